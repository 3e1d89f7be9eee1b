"""As much of BitBake as the recipes of yocto/meta-delmonicos use, for a machine without it.

Usage: bitbake.py RELEASE:MACHINE[,RELEASE:MACHINE...] FILE...     RELEASE: scarthgap | wrynose
Prints a JSON object: for each RELEASE:MACHINE and each FILE its expanded variables, its functions, its inherits and what could
not be expanded.

Assignments, overrides, :append/:prepend/:remove, flags, inline Python, require, functions as the BitBake manual, chapter
"Syntax and Operators", has them. Classes are not read: what they would set and a recipe uses is in BASE. Whatever a line is
that this does not know, is an error.
"""

import json
import os
import re
import sys

LAYER = os.path.join(os.path.dirname(__file__), "../../../yocto/meta-delmonicos")

ASSIGNMENT = re.compile(
    r"^(?P<name>[A-Za-z0-9_.${}:%+/-]+?)(\[(?P<flag>[A-Za-z0-9_.+-]+)\])?\s(?P<op>:=|\?\?=|\?=|\+=|=\+|\.=|=\.|=)\s\"(?P<value>.*)\"$", re.S
)
FUNCTION = re.compile(r"^(?P<kind>python |fakeroot )*(?P<name>[A-Za-z0-9_:${}-]*)\s*\(\)\s*\{$")
REFERENCE = re.compile(r"\$\{([A-Za-z0-9_:/.+-]+?)\}")
PYTHON = re.compile(r"\$\{@((?:[^{}]|\{[^{}]*\})+?)\}")

# What bitbake.conf and classes of OE-Core say, where a recipe here uses it.
BASE = {
    "bindir": "/usr/bin",
    "libexecdir": "/usr/libexec",
    "nonarch_libdir": "/usr/lib",
    "nonarch_base_libdir": "/usr/lib",
    "includedir": "/usr/include",
    "docdir": "/usr/share/doc",
    "sysconfdir": "/etc",
    "localstatedir": "/var",
    "systemd_system_unitdir": "/usr/lib/systemd/system",
    "COMMON_LICENSE_DIR": "/oe/meta/files/common-licenses",
    "COREBASE": "/oe",
    "TOPDIR": "/build",
    "DEPLOY_DIR_IMAGE": "/build/tmp/deploy/images/${MACHINE}",
    "DEPLOYDIR": "${WORKDIR}/deploy-${PN}",
    "WORKDIR": "/build/tmp/work/${PN}/${PV}",
    "D": "${WORKDIR}/image",
    "B": "${S}",
    "STAGING_INCDIR": "${WORKDIR}/recipe-sysroot/usr/include",
    "BP": "${BPN}-${PV}",
    "BPN": "${PN}",
    "PV": "1.0",
    "FILES:${PN}": "/usr/bin/* /usr/lib/lib*.so.* /etc /usr/share/${PN} ${systemd_system_unitdir}/__class__",
    "FILES:${PN}-doc": "/usr/share/doc",
    "PACKAGES": "${PN}-src ${PN}-dbg ${PN}-staticdev ${PN}-dev ${PN}-doc ${PN}-locale ${PN}",
    "MACHINE_ARCH": "${MACHINE}",
    "DISTRO_FEATURES": "acl ipv4 ipv6 systemd usrmerge",
    "SERIAL_CONSOLES": "115200;ttyS0 115200;hvc0",
    "DISTRO_VERSION": "5.0",
    "IMAGE_FSTYPES": "ext4",
    "CORE_IMAGE_EXTRA_INSTALL": "",
    "UBOOT_ARCH": "arm",
    "EFI_BOOT_IMAGE": "bootx64.efi",
    "RAUC_KEYRING_FILE": "/oem/keys/ca.cert.pem",
}
RELEASES = {
    # Early point releases of scarthgap know no UNPACKDIR.
    "scarthgap": {"S": "${WORKDIR}/${BP}"},
    "wrynose": {"S": "${UNPACKDIR}/${BP}", "UNPACKDIR": "${WORKDIR}/sources"},
}
MACHINES = {
    "qemux86-64": {"TARGET_ARCH": "x86_64", "HOST_SYS": "x86_64-poky-linux", "KERNEL_IMAGETYPE": "bzImage", "TUNE_FEATURES": "m64 core2"},
    "qemuarm64": {"TARGET_ARCH": "aarch64", "HOST_SYS": "aarch64-poky-linux", "KERNEL_IMAGETYPE": "Image", "TUNE_FEATURES": "aarch64"},
    "qemuarm": {
        "TARGET_ARCH": "arm",
        "HOST_SYS": "arm-poky-linux-gnueabi",
        "KERNEL_IMAGETYPE": "zImage",
        "TUNE_FEATURES": "arm vfp cortexa15 neon thumb callconvention-hard",
    },
    "musl": {"TARGET_ARCH": "aarch64", "HOST_SYS": "aarch64-poky-linux-musl", "KERNEL_IMAGETYPE": "Image", "TUNE_FEATURES": "aarch64"},
    "softfloat": {"TARGET_ARCH": "arm", "HOST_SYS": "arm-poky-linux-gnueabi", "KERNEL_IMAGETYPE": "zImage", "TUNE_FEATURES": "arm armv5"},
}


class Utils:
    @staticmethod
    def contains(name, wanted, then, otherwise, data):
        have = set((data.getVar(name) or "").split())
        want = set(wanted.split()) if isinstance(wanted, str) else set(wanted)
        return then if want <= have else otherwise


class Bb:
    utils = Utils

    @staticmethod
    def fatal(text):
        raise SystemExit("fatal: " + text)


class Data:
    def __init__(self, name, overrides):
        self.name = name
        self.values, self.weak, self.flags = {}, {}, {}
        self.changes, self.functions, self.inherits = [], {}, []
        self.overrides, self.python, self.unknown = overrides, {}, set()

    def assign(self, name, flag, op, value):
        name = name.replace("${PN}", self.name)
        if flag:
            self.flags.setdefault(name, {})[flag] = value
            return
        for kind in (":append", ":prepend", ":remove"):
            if kind in name:
                base, condition = name.split(kind, 1)
                self.changes.append((base, kind[1:], condition.strip(":"), value))
                return
        if op == "??=":
            self.weak[name] = value
        elif op == "?=":
            self.values.setdefault(name, value)
        elif op == ":=":
            self.values[name] = self.expand(value)
        elif op == "+=":
            self.values[name] = (self.values.get(name, "") + " " + value).strip(" ")
        elif op == "=+":
            self.values[name] = (value + " " + self.values.get(name, "")).strip(" ")
        elif op == ".=":
            self.values[name] = self.values.get(name, "") + value
        elif op == "=.":
            self.values[name] = value + self.values.get(name, "")
        else:
            self.values[name] = value

    def getVar(self, name, expand=True):
        value = self.values.get(name, self.weak.get(name))
        for override in self.overrides:
            value = self.values.get("%s:%s" % (name, override), value)
        for base, kind, condition, text in self.changes:
            if base == name and (not condition or condition in self.overrides):
                if kind == "append":
                    value = (value or "") + text
                elif kind == "prepend":
                    value = text + (value or "")
                else:
                    value = " ".join(word for word in (value or "").split() if word not in self.expand(text).split())
        return self.expand(value) if expand and value is not None else value

    def expand(self, text, depth=0):
        if depth > 30:
            raise SystemExit("%s refers to itself" % text)

        def variable(match):
            value = self.getVar(match.group(1), expand=False)
            if value is None:
                self.unknown.add(match.group(1))
                return match.group(0)
            return self.expand(value, depth + 1)

        def code(match):
            return str(eval(match.group(1), {"d": self, "bb": Bb, "os": os, **self.python}))

        return REFERENCE.sub(variable, PYTHON.sub(code, text))


def logical_lines(path):
    with open(path) as source:
        lines = source.read().split("\n")
    number = 0
    while number < len(lines):
        first, line = number + 1, lines[number]
        number += 1
        if "\t" in line:
            raise SystemExit("%s:%d: a tab" % (path, first))
        if line != line.rstrip():
            raise SystemExit("%s:%d: space at the end of the line" % (path, first))
        # What begins a function is not continued.
        while line.endswith("\\") and not line.startswith("#"):
            line = line[:-1] + lines[number]
            number += 1
        if line.endswith("{") and FUNCTION.match(line):
            body = []
            while lines[number] != "}":
                body.append(lines[number])
                number += 1
            number += 1
            yield first, line, body
        elif line.startswith("def "):
            body = []
            while number < len(lines) and (lines[number] == "" or lines[number].startswith(" ")):
                body.append(lines[number])
                number += 1
            yield first, line, body
        else:
            yield first, line, None


def read(path, data):
    for number, line, body in logical_lines(path):
        where = "%s:%d" % (os.path.relpath(path, LAYER), number)
        if not line.strip() or line.startswith("#"):
            continue
        function = FUNCTION.match(line)
        if function:
            text = "\n".join(body)
            name = function.group("name") or "__anonymous"
            kind = "python" if line.startswith("python") else "shell"
            if kind == "python":
                compile("if True:\n" + text, where, "exec")
            data.functions.setdefault(name, []).append({"kind": kind, "body": text, "where": where})
        elif line.startswith("def "):
            text = line + "\n" + "\n".join(body)
            exec(compile(text, where, "exec"), data.python)
            data.functions[line[4 : line.index("(")]] = [{"kind": "def", "body": text, "where": where}]
        elif re.match(r"^inherit ", line):
            data.inherits += data.expand(line[8:]).split()
        elif re.match(r"^(require|include) ", line):
            wanted = data.expand(line.split(" ", 1)[1]).strip()
            if wanted and not wanted.startswith("conf/image-"):
                for folder in (os.path.dirname(path), LAYER):
                    if os.path.exists(os.path.join(folder, wanted)):
                        read(os.path.join(folder, wanted), data)
                        break
                else:
                    if line.startswith("require"):
                        data.unknown.add(wanted)
        elif re.match(r"^(addtask|deltask) ", line):
            data.functions.setdefault("__tasks", []).append({"kind": "task", "body": line, "where": where})
        else:
            assignment = ASSIGNMENT.match(line)
            if not assignment:
                raise SystemExit("%s: neither an assignment nor a directive: %s" % (where, line))
            value = assignment.group("value")
            if '"' in value:
                raise SystemExit("%s: a quote inside the value" % where)
            data.assign(assignment.group("name"), assignment.group("flag"), assignment.group("op"), value)


def recipe(release, machine, path):
    arch = MACHINES[machine]["TARGET_ARCH"]
    name, _, version = os.path.basename(path).rsplit(".", 1)[0].partition("_")
    data = Data(name, ["linux", arch.replace("_", "-"), machine, "class-target", "task-compile"])
    data.assign("LAYERDIR", None, "=", "/layer")
    data.assign("MACHINE", None, "=", machine)
    data.assign("BBFILE_COLLECTIONS", None, "=", "core openembedded-layer rauc")
    # In BitBake's order: the layer, local.conf with the distribution, bitbake.conf.
    read(os.path.join(LAYER, "conf/layer.conf"), data)
    read(os.path.join(LAYER, "conf/distro/include/delmonicos.inc"), data)
    for source in (BASE, RELEASES[release], MACHINES[machine]):
        for key, value in source.items():
            data.assign(key, None, "??=" if key == "UNPACKDIR" else "=" if key not in data.values else "?=", value)
    data.assign("PN", None, "=", name)
    data.assign("THISDIR", None, "=", os.path.dirname(path))
    if version and version != "%":
        data.assign("PV", None, "=", version)
    data.unknown.clear()
    read(path, data)
    names = set(data.values) | set(data.weak) | {base for base, _, _, _ in data.changes}
    variables = {key: data.getVar(key) for key in sorted(names)}
    functions = {
        key: [{**part, "expanded": data.expand(part["body"]) if part["kind"] == "shell" else part["body"]} for part in parts]
        for key, parts in data.functions.items()
    }
    return {
        "variables": variables,
        "flags": data.flags,
        "functions": functions,
        "inherits": data.inherits,
        "unknown": sorted(data.unknown),
    }


def main():
    views = {view: view.split(":") for view in sys.argv[1].split(",")}
    json.dump({view: {path: recipe(*pair, path) for path in sys.argv[2:]} for view, pair in views.items()}, sys.stdout)


if __name__ == "__main__":
    main()
