/*
 * One datagram to a Unix socket, which Node cannot send: how a service speaks to systemd (sd_notify(3)).
 *
 *   send(address: Buffer, data: Buffer): number
 *
 * address: the bytes of sun_path; a path, or an abstract name that begins with a zero byte. Returns 0 when the datagram was
 * taken, otherwise errno; it never waits (EAGAIN when the other side does not read) and keeps no descriptor. Throws a TypeError
 * on arguments that are no Buffers, or an address that does not fit. Node-API 3: any Node from 10 on, whichever its version.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAPI_VERSION 3
#include <node_api.h>

static int send_datagram(const struct sockaddr_un *to, socklen_t to_length, const void *data, size_t length) {
  int failed = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  ssize_t sent;
  do {
    sent = sendto(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to, to_length);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) failed = errno;
  close(fd);
  return failed;
}

/* False when `value` is no Buffer. */
static int bytes_of(napi_env env, napi_value value, void **bytes, size_t *length) {
  bool is_buffer = false;
  if (napi_is_buffer(env, value, &is_buffer) != napi_ok || !is_buffer) return 0;
  return napi_get_buffer_info(env, value, bytes, length) == napi_ok;
}

static napi_value send_to(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result;
  size_t count = 2, address_length = 0, length = 0;
  void *address = NULL, *data = NULL;
  struct sockaddr_un to = {.sun_family = AF_UNIX};

  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
      !bytes_of(env, arguments[0], &address, &address_length) || !bytes_of(env, arguments[1], &data, &length)) {
    napi_throw_type_error(env, NULL, "send(address: Buffer, data: Buffer)");
    return NULL;
  }
  /* A path ends with a zero byte, which is in the structure already; an abstract name has a length only. */
  if (address_length == 0 || address_length >= sizeof to.sun_path) {
    napi_throw_type_error(env, NULL, "the address has 1 to 107 bytes");
    return NULL;
  }
  memcpy(to.sun_path, address, address_length);
  int abstract = to.sun_path[0] == '\0';
  socklen_t to_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + address_length + (abstract ? 0 : 1));
  int failed = send_datagram(&to, to_length, data, length);
  return napi_create_int32(env, failed, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "send", NAPI_AUTO_LENGTH, send_to, NULL, &function) != napi_ok) return NULL;
  if (napi_set_named_property(env, exports, "send", function) != napi_ok) return NULL;
  return exports;
}
