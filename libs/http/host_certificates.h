// SPDX-License-Identifier: Apache-2.0
//
// The certificates that the administrator keeps for one host, where Docker and podman look too:
//
//   /etc/docker/certs.d/reg.example:5000/ca.crt        any *.crt: trusted beside the system's
//                                        client.cert   shown to the host if it asks, with
//                                        client.key    its key, of the same name
//
// HOST:PORT is looked at, and for port 443 HOST as well. Sources: containers-certs.d(5); Docker's
// "Verify repository client with certificates".

#ifndef STAVE_LIBS_HTTP_HOST_CERTIFICATES_H_
#define STAVE_LIBS_HTTP_HOST_CERTIFICATES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/http/url.h"

namespace stave::http {

struct HostCertificates {
  std::string authorities;  // PEM, one after the other; "" for none
  // The client's certificate and key in PEM, both or neither: the first pair by folder and name.
  std::string certificate;
  std::string key;
};

// Reads what `folders` (as "/etc/docker/certs.d") have for the host and port of `url`. Folders that
// are missing, or that the caller may not enter, count as empty.
// Errors: FailedPrecondition [E_TLS] naming the file, for a certificate without its key or a key
// without its certificate; those of reading a file.
absl::StatusOr<HostCertificates> ReadHostCertificates(const std::vector<std::string>& folders,
                                                      const Url& url);

}  // namespace stave::http

#endif  // STAVE_LIBS_HTTP_HOST_CERTIFICATES_H_
