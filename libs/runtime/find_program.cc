// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/find_program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/report.h"

namespace stave::runtime {
namespace {

constexpr size_t kHead =
    1024;                  // the kernel looks at 256 of a script; a program's headers are longer
constexpr int kDepth = 5;  // of scripts whose interpreters are scripts
constexpr size_t kMaxLoader = 4096;

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
#error "the ELF machine of this architecture is missing"
#endif

constexpr std::pair<uint16_t, const char*> kMachines[] = {
    {EM_386, "i386"},    {EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"},
    {EM_ARM, "arm"},     {EM_PPC64, "ppc64"},   {EM_S390, "s390x"},
    {EM_RISCV, "riscv"}, {EM_MIPS, "mips"},     {EM_LOONGARCH, "loongarch"},
};

std::string PathOf(const Process& process) {
  for (const std::string& variable : process.env) {
    if (variable.compare(0, 5, "PATH=") == 0) return variable.substr(5);
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

absl::Status ProgramError(int code, const char* cause, absl::string_view name,
                          absl::string_view why) {
  absl::Status status = base::Error(absl::StatusCode::kFailedPrecondition,
                                    code == kNotFound ? "E_NOT_FOUND" : "E_NOT_EXECUTABLE",
                                    absl::StrCat("exec ", base::Quoted(name), ": ", why));
  return WithCause(WithExitCode(std::move(status), code), cause);
}

// 0 if it can be executed, else errno.
int TryProgram(const std::string& path) {
  struct stat st;
  if (::stat(path.c_str(), &st) < 0) return errno;
  if (S_ISDIR(st.st_mode)) return EISDIR;
  // EPERM: a seccomp filter that does not know faccessat2(2). execve(2) will tell.
  if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) < 0 && errno != EPERM) return errno;
  return 0;
}

// Why the kernel will not have it executed.
absl::Status DeniedError(absl::string_view name, const std::string& path) {
  struct stat st;
  struct statvfs fs;
  const auto fail = [&](const char* cause, absl::string_view why) {
    return ProgramError(kNotExecutable, cause, name, absl::StrCat("permission denied", why));
  };
  if (::stat(path.c_str(), &st) < 0) {
    return fail("permission", absl::StrCat(": uid ", ::geteuid(), " may not go there"));
  }
  if ((st.st_mode & 0111) == 0) {
    return base::WithHint(
        fail("not-executable",
             absl::StrFormat(": the file is not executable, its mode is %04o", st.st_mode & 07777)),
        "chmod +x makes it so");
  }
  if (::statvfs(path.c_str(), &fs) == 0 && (fs.f_flag & ST_NOEXEC) != 0) {
    return fail("noexec", ": it lies on a filesystem that is mounted noexec");
  }
  return fail("permission",
              absl::StrFormat(": uid %d may not execute it, its mode is %04o and its owner %d:%d",
                              ::geteuid(), st.st_mode & 07777, st.st_uid, st.st_gid));
}

absl::StatusOr<std::string> SearchByPath(const std::string& name) {
  switch (const int error = TryProgram(name)) {
    case 0:
      return name;
    case ENOENT:
    case ENOTDIR:
      return ProgramError(
          kNotFound, "not-found", name,
          absl::StrCat("stat ", base::Printable(name), ": no such file or directory"));
    case EISDIR:
      return ProgramError(kNotExecutable, "is-directory", name,
                          "is a directory: permission denied");
    case EACCES:
      return DeniedError(name, name);
    default:
      return ProgramError(kNotExecutable, "not-executable", name, ::strerror(error));
  }
}

absl::StatusOr<std::string> SearchProgram(const Process& process) {
  const std::string& name = process.args[0];
  if (name.find('/') != std::string::npos) return SearchByPath(name);
  std::string seen;
  for (const absl::string_view dir : absl::StrSplit(PathOf(process), ':')) {
    std::string path = absl::StrCat(dir.empty() ? "." : dir, "/", name);
    const int error = TryProgram(path);
    if (error == 0) return path;
    if (error == EACCES && seen.empty()) seen = std::move(path);
  }
  if (!seen.empty()) return DeniedError(name, seen);
  return ProgramError(kNotFound, "not-in-path", name, "executable file not found in $PATH");
}

// ReadFormat's part for ELF files: 64 bit, of this machine's byte order, or it is another
// machine's.
void ReadElf(absl::string_view head, ProgramFormat* format) {
  Elf64_Ehdr header;
  format->kind = ProgramFormat::Kind::kElf;
  if (head.size() < sizeof header) return;
  ::memcpy(&header, head.data(), sizeof header);
  const bool compatible = kMachine == EM_X86_64 && header.e_machine == EM_386;
  if (header.e_machine != kMachine && !compatible) {
    format->architecture = absl::StrCat("machine ", header.e_machine);
    for (const auto& [machine, name] : kMachines) {
      if (machine == header.e_machine) format->architecture = name;
    }
  }
  if (header.e_machine != kMachine || header.e_ident[EI_CLASS] != ELFCLASS64) return;
  for (uint16_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part;
    const uint64_t at = header.e_phoff + uint64_t{i} * sizeof part;
    if (at > head.size() || head.size() - at < sizeof part) return;
    ::memcpy(&part, head.data() + at, sizeof part);
    if (part.p_type != PT_INTERP) continue;
    format->loader_offset = part.p_offset;
    format->loader_size = part.p_filesz;
    return;
  }
}

bool IsText(absl::string_view head) {
  return std::all_of(head.begin(), head.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || absl::ascii_isprint(c) ||
           absl::ascii_isspace(c);
  });
}

// The first bytes of `path`, and it open; nothing of what cannot be read.
struct Head {
  base::UniqueFd fd;
  std::string text;
};

Head ReadHead(const std::string& path) {
  Head head;
  head.fd = base::UniqueFd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  char buffer[kHead];
  const ssize_t n = head.fd.valid() ? ::read(head.fd.get(), buffer, sizeof buffer) : -1;
  if (n < 0) head.fd.Reset();
  if (n > 0) head.text.assign(buffer, static_cast<size_t>(n));
  return head;
}

std::string LoaderOf(const Head& head, const ProgramFormat& format) {
  if (format.loader_size < 2 || format.loader_size > kMaxLoader) return "";
  std::string loader(format.loader_size, '\0');
  const ssize_t n = ::pread(head.fd.get(), loader.data(), loader.size(),
                            static_cast<off_t>(format.loader_offset));
  if (n != static_cast<ssize_t>(loader.size())) return "";
  return loader.substr(0, loader.find('\0'));
}

absl::Status InterpreterError(const std::string& path, const std::string& interpreter) {
  if (absl::EndsWith(interpreter, "\r")) {
    return base::WithHint(
        ProgramError(kNotFound, "crlf", path,
                     absl::StrCat("no such file or directory: its first line ends in CR LF, so its "
                                  "interpreter would be ",
                                  base::Quoted(interpreter))),
        "dos2unix(1) mends such a script");
  }
  return ProgramError(kNotFound, "no-interpreter", path,
                      absl::StrCat("no such file or directory: its interpreter ",
                                   base::Quoted(interpreter), " is missing"));
}

absl::Status FormatError(const std::string& path, const char* cause, absl::string_view why,
                         absl::string_view hint) {
  return base::WithHint(
      ProgramError(kNotExecutable, cause, path, absl::StrCat("exec format error: ", why)), hint);
}

// What the kernel may have against it, as far as its beginning tells.
absl::Status DoubtOf(const std::string& path, const ProgramFormat& format) {
  switch (format.kind) {
    case ProgramFormat::Kind::kElf: {
      if (format.architecture.empty()) return absl::OkStatus();
      utsname host{};
      ::uname(&host);
      return FormatError(path, "architecture",
                         absl::StrCat("it is a program for ", format.architecture,
                                      ", and this machine is ", host.machine),
                         "image-fetch --platform chooses another image");
    }
    case ProgramFormat::Kind::kText:
      return FormatError(path, "no-shebang", "it is a text file without a #! line",
                         "run it as an argument of its interpreter, or give it a first line");
    case ProgramFormat::Kind::kEmpty:
      return FormatError(path, "no-shebang", "the file is empty", "");
    case ProgramFormat::Kind::kScript:
    case ProgramFormat::Kind::kOther:
      break;
  }
  return absl::OkStatus();
}

}  // namespace

ProgramFormat ReadFormat(absl::string_view head) {
  ProgramFormat format;
  if (head.empty()) {
    format.kind = ProgramFormat::Kind::kEmpty;
  } else if (absl::StartsWith(head, "#!")) {
    format.kind = ProgramFormat::Kind::kScript;
    absl::string_view line = head.substr(2, head.find('\n') - 2);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    format.interpreter = std::string(line.substr(0, line.find_first_of(" \t")));
  } else if (absl::StartsWith(head, ELFMAG)) {
    ReadElf(head, &format);
  } else if (IsText(head)) {
    format.kind = ProgramFormat::Kind::kText;
  }
  return format;
}

absl::StatusOr<FoundProgram> FindProgram(const Process& process) {
  FoundProgram found;
  STAVE_ASSIGN_OR_RETURN(found.path, SearchProgram(process));
  std::string path = found.path;
  for (int i = 0; i < kDepth; ++i) {
    const Head head = ReadHead(path);
    if (!head.fd.valid()) return found;  // it may be executed and not read
    const ProgramFormat format = ReadFormat(head.text);
    if (format.kind != ProgramFormat::Kind::kScript) {
      const std::string loader = LoaderOf(head, format);
      if (!loader.empty() && TryProgram(loader) == ENOENT) {
        return base::WithHint(
            ProgramError(kNotFound, "no-loader", path,
                         absl::StrCat("no such file or directory: its loader ",
                                      base::Quoted(loader), " is missing")),
            "it was built for another C library than the image has (glibc or musl), or the image "
            "has none");
      }
      found.doubt = DoubtOf(path, format);
      return found;
    }
    if (format.interpreter.empty()) return found;
    const int error = TryProgram(format.interpreter);
    if (error == ENOENT) return InterpreterError(path, format.interpreter);
    if (error == EACCES) {
      return ProgramError(kNotExecutable, "not-executable", path,
                          absl::StrCat("permission denied: its interpreter ",
                                       base::Quoted(format.interpreter), " is not executable"));
    }
    if (error != 0) return found;
    path = format.interpreter;
  }
  return found;
}

}  // namespace stave::runtime
