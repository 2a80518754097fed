// SPDX-License-Identifier: Apache-2.0
//
// For tests: a server on loopback that gives fixed answers and remembers what it was asked.
//
//   TestServer server({{"/v2/", Answer("{}")}});      server.Address("/v2/")

#ifndef STAVE_LIBS_HTTP_TEST_SERVER_H_
#define STAVE_LIBS_HTTP_TEST_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/unique_fd.h"

namespace stave::http {

// Answers each request on loopback with the bytes for its path, then closes the connection.
class TestServer {
 public:
  using Answers = std::map<std::string, std::string>;
  explicit TestServer(Answers answers) : answers_(std::move(answers)) {
    listener_ = base::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_.get(), 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~TestServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  void Set(const std::string& path, const std::string& answer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    answers_[path] = answer;
  }
  std::string Address(const std::string& path) const {
    return absl::StrCat("http://127.0.0.1:", port_, path);
  }
  std::vector<std::string> Requests() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }

 private:
  void Serve() {
    while (true) {
      const base::UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer.valid()) return;
      std::string request;
      char buffer[4096];
      while (!absl::StrContains(request, "\r\n\r\n")) {
        const ssize_t n = ::read(peer.get(), buffer, sizeof buffer);
        if (n <= 0) break;
        request.append(buffer, static_cast<size_t>(n));
      }
      const size_t start = request.find(' ');
      if (start == std::string::npos) continue;
      const std::string path = request.substr(start + 1, request.find(' ', start + 1) - start - 1);
      const std::lock_guard<std::mutex> lock(mutex_);
      requests_.push_back(request);
      const std::string answer = answers_.count(path) ? answers_[path] : "HTTP/1.1 404 No\r\n\r\n";
      ::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  std::map<std::string, std::string> answers_;
  base::UniqueFd listener_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

inline std::string Answer(const std::string& body, const std::string& headers = "") {
  return absl::StrCat("HTTP/1.1 200 OK\r\n", headers, "Content-Length: ", body.size(),
                      "\r\nConnection: close\r\n\r\n", body);
}

inline std::string Redirect(const std::string& to) {
  return absl::StrCat("HTTP/1.1 307 Go\r\nLocation: ", to,
                      "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

}  // namespace stave::http

#endif  // STAVE_LIBS_HTTP_TEST_SERVER_H_
