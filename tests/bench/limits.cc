// SPDX-License-Identifier: Apache-2.0
//
// limits FILE...: what the parts of a pull that compute take by themselves, on one core: hashing
// the packed layers FILE (gzip or zstd), decoding them, hashing what comes out, and the three in
// one loop, piece by piece as a stream would have it. Prints a JSON object of seconds, the least of
// some runs each: they only compute, so what is more than the least is another program's.

#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace {

constexpr size_t kPiece = 256 << 10;
constexpr int kRuns = 5;

struct Bytes {
  const unsigned char* data;
  size_t size;
};

using Sink = std::function<void(Bytes)>;

unsigned char window[kPiece];

[[noreturn]] void Die(const char* what) {
  perror(what);
  exit(1);
}

Bytes Map(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) Die(path);
  const size_t size = static_cast<size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (data == MAP_FAILED) Die(path);
  close(fd);
  return {static_cast<unsigned char*>(data), size};
}

void Pieces(Bytes all, const Sink& sink) {
  for (size_t at = 0; at < all.size; at += kPiece) {
    sink({all.data + at, std::min(kPiece, all.size - at)});
  }
}

// Decoders are given a piece at a time, and `packed` sees it before.
void Inflate(Bytes all, const Sink& packed, const Sink& plain) {
  static inflate_state state;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  Pieces(all, [&](Bytes piece) {
    packed(piece);
    state.next_in = const_cast<uint8_t*>(piece.data);
    state.avail_in = static_cast<uint32_t>(piece.size);
    do {
      state.next_out = window;
      state.avail_out = kPiece;
      if (isal_inflate(&state) != ISAL_DECOMP_OK) Die("isal_inflate");
      plain({window, kPiece - state.avail_out});
    } while (state.avail_out == 0);
  });
}

void Unzstd(Bytes all, const Sink& packed, const Sink& plain) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  Pieces(all, [&](Bytes piece) {
    packed(piece);
    ZSTD_inBuffer in{piece.data, piece.size, 0};
    ZSTD_outBuffer out{window, kPiece, kPiece};
    while (in.pos < in.size || out.pos == out.size) {
      out.pos = 0;
      if (ZSTD_isError(ZSTD_decompressStream(context, &out, &in)) != 0)
        Die("ZSTD_decompressStream");
      plain({window, out.pos});
    }
  });
  ZSTD_freeDCtx(context);
}

void Decode(Bytes all, const Sink& packed, const Sink& plain) {
  if (all.size > 4 && all.data[0] == 0x28 && all.data[1] == 0xb5) return Unzstd(all, packed, plain);
  Inflate(all, packed, plain);
}

class Hash {
 public:
  Hash() { SHA256_Init(&context_); }
  ~Hash() {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_Final(digest, &context_);
  }
  Sink Taker() {
    return [this](Bytes bytes) { SHA256_Update(&context_, bytes.data, bytes.size); };
  }

 private:
  SHA256_CTX context_;
};

double Least(const std::function<void()>& work) {
  double least = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    timespec begin{}, end{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    work();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    least = std::min(least, static_cast<double>(end.tv_sec - begin.tv_sec) +
                                static_cast<double>(end.tv_nsec - begin.tv_nsec) * 1e-9);
  }
  return least;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Bytes> layers;
  for (int i = 1; i < argc; ++i) layers.push_back(Map(argv[i]));
  size_t packed = 0, plain = 0;
  const Sink nobody = [](Bytes) {};
  for (const Bytes& layer : layers) {
    packed += layer.size;
    Decode(layer, nobody, [&](Bytes bytes) { plain += bytes.size; });
  }
  const double hash_packed = Least([&] {
    for (const Bytes& layer : layers) {
      Hash hash;
      Pieces(layer, hash.Taker());
    }
  });
  const double decode = Least([&] {
    for (const Bytes& layer : layers) Decode(layer, nobody, nobody);
  });
  const double hash_plain = Least([&] {
    Hash hash;
    for (size_t done = 0; done < plain; done += kPiece) hash.Taker()({window, kPiece});
  });
  const double all = Least([&] {
    for (const Bytes& layer : layers) {
      Hash outer, inner;
      Decode(layer, outer.Taker(), inner.Taker());
    }
  });
  printf(
      "{\"packed_bytes\": %zu, \"plain_bytes\": %zu, \"packed\": %.4f, \"decode\": %.4f, "
      "\"plain\": %.4f, \"all\": %.4f}\n",
      packed, plain, hash_packed, decode, hash_plain, all);
  return 0;
}
