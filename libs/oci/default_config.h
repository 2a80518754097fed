// SPDX-License-Identifier: Apache-2.0
//
// The whole runtime config that a container starts from. This is the one place of stave's defaults:
// what is not in the document that it returns is not done. `root` is absent until somebody mounts
// the root filesystem, so that a foreign runtime refuses rather than runs something else.
//
//   namespaces    pid, mount, ipc, uts, network, cgroup
//   capabilities  Docker's 14, no inheritable ones; seccomp: see default_seccomp.h
//   mounts        /proc, /dev, /dev/pts, /sys (ro), /sys/fs/cgroup (ro), /dev/mqueue, /dev/shm 64m
//   devices       denied but for Docker's list: mknod of any, and use of null, zero, full, random,
//                 urandom, tty, console, ptmx and the pts
//   limits        4096 processes; umask 022
//   hidden        what Docker masks of /proc and /sys, and kallsyms, pagetypeinfo, slabinfo,
//                 vmallocinfo. Not hidden: /sys/kernel/{debug,tracing} and /sys/fs/bpf, which are
//                 empty in a fresh sysfs and which people bind-mount from the host
//
// Sources: OCI config.md, config-linux.md; design section 1; threats section 2.

#ifndef STAVE_LIBS_OCI_DEFAULT_CONFIG_H_
#define STAVE_LIBS_OCI_DEFAULT_CONFIG_H_

#include <string>
#include <vector>

#include "libs/json/value.h"
#include "libs/oci/image_config.h"
#include "libs/oci/user.h"

namespace stave::oci {

// PATH of a container that says nothing.
inline constexpr char kDefaultPath[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// "CAP_AUDIT_WRITE", ..: by name.
std::vector<std::string> DefaultCapabilities();

// For a bare root filesystem: root, in /, with PATH and HOME, and no args (`[]`). The `stave`
// member holds only its version. Members always come in the same order.
json::Value DefaultConfig();

// For an image: DefaultConfig() with its entrypoint and cmd, env, working directory and `user` (its
// USER, resolved with its own passwd and group). What goes into the `stave` member is the caller's:
// see stave_member.h.
json::Value DefaultConfigFor(const ImageConfig& image, const User& user);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_DEFAULT_CONFIG_H_
