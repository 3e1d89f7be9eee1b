#!/bin/bash
# Root shell of a test, over a virtio port. A request is one line "ID BASE64(command)", its answer one line
# "ID STATUS BASE64(stdout) BASE64(stderr)", with "-" for nothing. Commands run side by side.
port=$1
work=/run/test-agent
mkdir -p "$work"

answer() {
  local id=$1 out=$work/$1.out err=$work/$1.err
  base64 -d <<<"$2" >"$work/$1.sh"
  bash "$work/$1.sh" >"$out" 2>"$err" </dev/null
  local status=$?
  (
    flock 9
    printf '%s %s %s- %s-\n' "$id" "$status" "$(base64 -w0 "$out")" "$(base64 -w0 "$err")" >&8
  ) 9>"$work/lock"
  rm -f "$out" "$err" "$work/$1.sh"
}

until [ -c "$port" ]; do sleep 0.2; done
exec 8<>"$port"
echo "0 0 - -" >&8
while read -r id command <&8; do
  answer "$id" "$command" &
done
