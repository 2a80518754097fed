// SPDX-License-Identifier: Apache-2.0
//
// The verbs of stave-oci, each with its table of options. What differs from runc is in
// docs/programs.md.

#ifndef STAVE_TOOLS_STAVE_OCI_COMMANDS_H_
#define STAVE_TOOLS_STAVE_OCI_COMMANDS_H_

#include "libs/cli/verbs.h"

namespace stave::stave_oci {

cli::Verb CreateVerb();
cli::Verb RunVerb();
cli::Verb ExecVerb();
cli::Verb StartVerb();
cli::Verb KillVerb();
cli::Verb DeleteVerb();
cli::Verb PauseVerb();
cli::Verb ResumeVerb();
cli::Verb StateVerb();
cli::Verb ListVerb();
cli::Verb PsVerb();
cli::Verb UpdateVerb();
cli::Verb EventsVerb();
cli::Verb SpecVerb();
cli::Verb FeaturesVerb();

}  // namespace stave::stave_oci

#endif  // STAVE_TOOLS_STAVE_OCI_COMMANDS_H_
