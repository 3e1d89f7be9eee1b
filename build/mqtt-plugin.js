// What of the mqtt package a station uses: MQTT over TCP and TLS. Left out: WebSockets, proxies, timers in web workers and the
// command line's tools, none of which a station's configuration can ask for, and a copy of Node's own streams
// (readable-stream's README: under Node it may be exchanged for `stream`). Two thirds of the package's code; what it saves in
// memory is in docs/performance.md.
const NAMESPACE = 'not-in-a-station';
const TRANSPORTS = /^\.\/(ws|wx|ali|socks)$/;
const PACKAGES = /^(ws|socks|worker-timers)$/;

/** @param {{ importer: string }} of */
const isMqtt = ({ importer }) => /\/node_modules\/mqtt\//.test(importer);
/** @param {{ path: string, importer: string }} of */
const leftOut = (of) => (isMqtt(of) ? { path: of.path, namespace: NAMESPACE } : undefined);

/** @type {import('esbuild').Plugin} */
export const mqttPlugin = {
  name: 'mqtt',
  setup(build) {
    build.onResolve({ filter: /^readable-stream$/ }, () => ({ path: 'node:stream', external: true }));
    build.onResolve({ filter: TRANSPORTS }, leftOut);
    build.onResolve({ filter: PACKAGES }, leftOut);
    // They are asked for when the package loads, and used only with a URL or an option of their own.
    build.onLoad({ filter: /.*/, namespace: NAMESPACE }, () => ({ contents: 'module.exports = {};' }));
  },
};
