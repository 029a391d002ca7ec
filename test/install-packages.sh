#!/usr/bin/env bash
# Installs the Debian 12 packages that building and testing need; does nothing where they are there.
set -euo pipefail

packages=(
  cmake g++ clang ninja-build ccache pkg-config clang-format clang-tidy
  libcaf-dev cppzmq-dev libzmq3-dev libmsgpack-cxx-dev libboost-dev libfmt-dev
  libsqlite3-dev libsqlitecpp-dev libmysqlcppconn-dev libyaml-cpp-dev libcurl4-openssl-dev libssl-dev libarchive-dev
  zlib1g-dev libjemalloc-dev libnftables-dev nftables iproute2
  nlohmann-json3-dev libcli11-dev doctest-dev librapidcheck-dev libbenchmark-dev
  systemd-container debootstrap lintian user-mode-linux
  mariadb-server-core mariadb-client-core
  openjdk-17-jre-headless ecj nodejs nginx gunicorn redis-tools
  python3 python3-zmq python3-msgpack python3-yaml sqlite3 dpkg-dev file openssl ca-certificates
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed \
    || missing+=("$package")
done
# Whichever busybox is there serves the demonstration.
command -v busybox >/dev/null || missing+=(busybox)

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "these packages are missing: ${missing[*]}" >&2
  echo "install them as root: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# Of nginx the program is wanted, not the service.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
fi
apt-get update -q
apt-get install -q -y --no-install-recommends "${missing[@]}"
