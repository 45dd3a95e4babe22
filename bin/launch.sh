#!/bin/sh
# Starts the command beside this file under Node.
#
# Node opens a debugger, in which any local user may run programs, when a SIGUSR1 comes before the first line of the
# command has run. It opens it at the address given here, which no host has, so that it stays closed. Until Node is there
# such a signal is ignored rather than deadly. Of what is ignored or blocked here Node keeps nothing: until the command's
# first line a SIGUSR2 ends it. A shell that stayed as its parent could take that signal, but whoever killed the shell would
# leave a run behind that holds locks and that nobody has the number of.
#
# What is in the environment may load other code into Node, open doors or write files before the command has a say in it.
# None of that is taken from there. HOME is one more place that packages are looked for in.
trap '' USR1 USR2
unset NODE_OPTIONS NODE_PATH NODE_COMPILE_CACHE NODE_V8_COVERAGE NODE_REDIRECT_WARNINGS NODE_ICU_DATA \
  NODE_CHANNEL_FD NODE_UNIQUE_ID NODE_DEBUG NODE_DEBUG_NATIVE OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES \
  SSLKEYLOGFILE UV_USE_IO_URING
HOME=/
node=${0%/*}/node
if [ ! -x "$node" ]; then
  if ! command -v node > /dev/null; then
    echo "${0##*/}: Node is not installed beside this command, nor on the PATH ($PATH)" >&2
    exit 78
  fi
  node=node
fi
script=$0
# Only a link needs another process to be followed.
if [ -L "$script" ]; then script=$(readlink -f -- "$script"); fi
if [ ! -r "$script.cjs" ]; then
  echo "${0##*/}: $script.cjs cannot be read by $(id -un): install it where this user may read it" >&2
  exit 78
fi
# V8 has four threads of its own, for which a run of a few users has too little to do to wait until they are made.
case " $* " in
  *' -u '*) threads=--v8-pool-size=1 ;;
  *) threads= ;;
esac
exec "$node" ${threads:+"$threads"} --inspect-port=240.0.0.1:9229 "$script.cjs" "$@"
