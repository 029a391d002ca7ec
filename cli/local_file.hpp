#pragma once

#include "cli/context.hpp"
#include "deploy-configs/deploy_file.hpp"

#include <string>
#include <vector>

namespace deployminator::cli {

/// The content of a deploy.yaml. Throws `setback` where it cannot be read.
std::string read_text(const std::string& file_name);

/// Tells people of the mistakes, one on a line, on stderr.
void remark_mistakes(const std::string& file_name, const std::vector<configs::mistake>& list);

/// `[{file, line, column, message}]`.
json mistakes_json(const std::string& file_name, const std::vector<configs::mistake>& list);

} // namespace deployminator::cli
