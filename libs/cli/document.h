// SPDX-License-Identifier: Apache-2.0
//
// The document on stdin and stdout: the stream rules of design section 1.

#ifndef STAVE_LIBS_CLI_DOCUMENT_H_
#define STAVE_LIBS_CLI_DOCUMENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/json/value.h"

namespace stave::cli {

// Whether the program is the last of its pipe, as ns-run is: then an empty stdin is told.
enum class Stage { kMiddle, kLast };

// Reads the document from stdin.
// Errors: UsageError if stdin is a terminal or closed; [E_NO_DOCUMENT] `no document: the stage
// before failed` if it is empty (a kMiddle stage whose stdout is a pipe says nothing: Main() exits
// silently; nor does one whose own child has failed, as the stages before are of a program that
// `stave` became); [E_JSON] with offset and JSON pointer; [E_DOCUMENT] if it is no object or its
// `stave.version` is newer than 1.
absl::StatusOr<json::Value> ReadDocument(Stage stage);

// The same from a file.
absl::StatusOr<json::Value> ReadDocumentFile(const std::string& path);

// Writes it to stdout, one line. Errors: those of write(2), E_NO_SPACE on /dev/full.
absl::Status WriteDocument(const json::Value& document);

// The status that Main() turns into exit code 1 without a word.
absl::Status SilentFailure();

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_DOCUMENT_H_
