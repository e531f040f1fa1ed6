#!/bin/sh
# Prints the tag of a Debian base image on stdout, and nothing else; makes the image where it is missing.
#
#   images/base/make.sh trixie  ->  telegram-hybrid-stack/base:trixie
#
# Promised: an image that is there is taken as it is; two calls at once make it once; a stopped call leaves nothing
#   behind; packages are verified with Debian's own keys in every case.
# Not promised: two machines making the same bytes. Remove the image to have it made again from newer packages.
# On failure: one reason and its fix on stderr, exit 1, no image.
#
# The official images are debian:trixie-slim and debian:bookworm-slim; github.com/docker-library/repo-info shows both, in
#   repos/debian/remote/. They have no digest here: Debian's security updates move these tags.
#
# TELEGRAM_NO_PULL=1 skips the try of the official image. DOCKER_HOST is honoured: the image travels over the docker CLI.
set -eu

suite=${1:?usage: make.sh <suite>}
tag="telegram-hybrid-stack/base:$suite"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
scripts=${DEBOOTSTRAP_DIR:-/usr/share/debootstrap}/scripts
PATH=$PATH:/usr/sbin:/sbin

say() { echo "base image $suite: $*" >&2; }
fail() {
  say "$1"
  echo "  fix: $2" >&2
  exit 1
}
made() { docker image inspect "$tag" >/dev/null 2>&1; }
finish() {
  echo "$tag"
  exit 0
}

command -v docker >/dev/null || fail 'docker is not installed' 'install Docker and run this again'
made && finish
docker version >/dev/null 2>&1 || fail 'the Docker daemon does not answer' 'start Docker and run this again'

# Held until this process ends; the script itself is the lock, so that no lock file is left over.
exec 9<"$0"
if command -v flock >/dev/null; then flock 9; fi
made && finish

if [ "${TELEGRAM_NO_PULL:-}" != 1 ]; then
  say "trying to pull debian:$suite-slim (at most 60 s)"
  if timeout 60 docker pull -q "debian:$suite-slim" >/dev/null 2>&1 9<&-; then
    docker tag "debian:$suite-slim" "$tag"
    finish
  fi
  say 'cannot be pulled here; making it with debootstrap'
fi

command -v debootstrap >/dev/null ||
  fail 'debootstrap is not installed' 'sudo apt-get install -y debootstrap debian-archive-keyring'
[ -e "$keyring" ] ||
  fail "Debian's keys are missing ($keyring)" 'sudo apt-get install -y debian-archive-keyring'
[ -e "$scripts/$suite" ] ||
  fail "this debootstrap does not know $suite" 'sudo apt-get install -y --only-upgrade debootstrap'
[ "$(id -u)" = 0 ] || fail 'debootstrap needs root' "sudo TELEGRAM_NO_PULL=1 sh $0 $suite"
host=$(dpkg --print-architecture)
server=$(docker version --format '{{.Server.Arch}}')
[ "$host" = "$server" ] || [ "$server" = arm ] ||
  fail "this machine is $host, the Docker host is $server" "run sh $0 $suite on the Docker host"

# The mirrors that this machine's own apt uses, in either format.
mirrors() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    awk '$1 == "deb" { sub(/\[[^]]*\]/, ""); print $2 } $1 == "URIs:" { for (i = 2; i <= NF; i++) print $i }' |
    sed -n 's|^\(https\{0,1\}://.*[^/]\)/*$|\1|p' | awk '!seen[$0]++'
}
serves() { wget -q -T 10 -t 1 -O - "$1/dists/$2/Release" 2>/dev/null | grep -q '^Origin: Debian$'; }
# First of the given mirrors that serves the suite; nothing where none does.
server_of() {
  wanted=$1
  shift
  for uri in "$@"; do
    if serves "$uri" "$wanted"; then
      echo "$uri"
      return
    fi
  done
}

eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
if [ -n "${http_proxy:-}" ] && [ "$http_proxy" != DIRECT ]; then export http_proxy; fi

root=$(mktemp -d "${TMPDIR:-/var/tmp}/telegram-base.XXXXXX")
log=$root.log
cleanup() {
  # A stopped debootstrap leaves its proc and sys mounted.
  awk -v root="$root/" 'index($2, root) == 1 { print $2 }' /proc/mounts | sort -r | while read -r path; do
    umount "$path"
  done
  rm -rf --one-file-system "$root" "$log"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

known=$(mirrors)
# shellcheck disable=SC2086 # one word a mirror
mirror=$(server_of "$suite" $known)
case $mirror in https://*) include=--include=ca-certificates ;; *) include= ;; esac
say "debootstrap from ${mirror:-its default mirror}, a minute or two"
# shellcheck disable=SC2086 # both may be empty
debootstrap --variant=minbase --keyring="$keyring" $include "$suite" "$root" $mirror >"$log" 2>&1 9<&- || {
  tail -n 5 "$log" >&2
  fail 'debootstrap failed' 'see the lines above; is a Debian mirror reachable from this machine?'
}
# Its mode becomes the mode of the image's root directory, and apt's own user must get in.
chmod 0755 "$root"

[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" { print $2; exit }' "$root/etc/apt/sources.list")
inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@" >"$log" 2>&1 9<&-; }
source_entry() {
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' "$1" "$2" "$keyring"
}
sources=$root/etc/apt/sources.list.d/debian.sources
configuration=$root/etc/apt/apt.conf.d
rm -f "$root/etc/apt/sources.list"
source_entry "$mirror" "$suite" >"$sources"
serves "$mirror" "$suite-updates" && source_entry "$mirror" "$suite-updates" >>"$sources"
# shellcheck disable=SC2086
security=$(server_of "$suite-security" $known "${mirror%/*}/debian-security")
if [ -n "$security" ]; then
  source_entry "$security" "$suite-security" >>"$sources"
else
  say 'the mirror has no security suite: the image goes without'
fi

# No daemon starts in a build; no caches, manuals or translations stay.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 0755 "$root/usr/sbin/policy-rc.d"
echo 'Acquire::Languages "none";' >"$configuration/80no-languages"
printf 'path-exclude /usr/share/%s/*\n' man locale info doc >"$root/etc/dpkg/dpkg.cfg.d/slim"
echo 'path-include /usr/share/doc/*/copyright' >>"$root/etc/dpkg/dpkg.cfg.d/slim"

update='apt-get -qq -o APT::Update::Error-Mode=any update'
# shellcheck disable=SC2086 # several words
if ! inside $update; then
  echo 'Acquire::Check-Valid-Until "false";' >"$configuration/90lagging-mirror"
  # shellcheck disable=SC2086
  inside $update || {
    tail -n 5 "$log" >&2
    fail "apt cannot use $mirror" 'check the mirror in /etc/apt/sources.list.d and run this again'
  }
  say "the mirror's copy is past its date; the image accepts that (signatures are checked all the same)"
fi
inside apt-get -qq -y -o Dpkg::Use-Pty=0 upgrade || say 'updates could not be installed; going on with what is there'
inside apt-get clean
find "$root/usr/share/doc" -type f ! -name copyright -delete
rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/var/log/*.log
rm -f "$root/etc/resolv.conf" "$root/etc/hostname" "$root/var/cache/debconf/templates.dat-old"

say 'importing'
tar --numeric-owner --one-file-system -C "$root" -c . |
  docker import --change 'CMD ["/bin/bash"]' - "$tag" >/dev/null 9<&-
made || fail 'docker import did not make the image' 'check the free disk space of the Docker host'
finish
