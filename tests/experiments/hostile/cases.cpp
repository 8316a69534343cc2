#include "tests/experiments/hostile/cases.h"

#include <sys/stat.h>

#include <algorithm>

#include "tests/experiments/hostile/breaking.h"

namespace tangentplane::experiments::hostile {
namespace fs = std::filesystem;
namespace {

struct Target {
  std::string command;
  std::vector<std::string> inputs;
  std::vector<std::string> files;  ///< of which one is broken; names of folders: any file in them
  std::string out;                 ///< as in Case
};

/// Files that a run reads, of every kind and by every binary that reads it.
const std::vector<Target>& read_files() {
  static const std::vector<Target> all = [] {
    const std::string rows = " --num-train 8", recipe = " --epochs 2 --batch 4", linear = " --linearize",
                      function = " --linearize --space function";
    std::vector<Target> t;
    for (const std::string data : {"im.npy", "im64.npy", "im8.npy"}) {
      t.push_back({"compute_ntk" + mlp + " --data " + data + rows, {data}, {data}, ""});
      t.push_back({"compute_ntk" + resnet + " --data " + data + rows, {data}, {data}, ""});
      t.push_back({"train_ntk" + mlp + " --data " + data + rows + " --labels y.npy" + recipe, {data, "y.npy"}, {data, "y.npy"}, ""});
    }
    t.push_back({"compute_ntk" + mlp + " --data im.npy --method nystrom --nystrom-points 6 --eigen 4", {"im.npy"}, {"im.npy"}, ""});
    t.push_back({"train_cifar" + mlp + " --data im.npy --labels y8.npy --num-train 4,8 --num-test 4 --epochs 1",
                 {"im.npy", "y8.npy"},
                 {"y8.npy", "im.npy"},
                 ""});
    for (const std::string w : {"w.npz", "wdeflated.npz", "wzip64.npz", "wdouble.npz"})
      t.push_back({"compute_ntk" + mlp + " --data im.npy --eigen 3 --init " + w, {"im.npy", w}, {w}, ""});
    t.push_back({"compute_ntk" + mlp + " --data im64.npy --dtype float64 --eigen 3 --init wdouble.npz",
                 {"im64.npy", "wdouble.npz"},
                 {"wdouble.npz"},
                 ""});
    t.push_back({"compute_ntk" + resnet + " --data im.npy --eigen 3 --init resnet.npz", {"im.npy", "resnet.npz"}, {"resnet.npz"}, ""});
    t.push_back({"train_ntk" + resnet + " --data im.npy --labels y.npy --epochs 1 --batch 4 --init resnet.npz",
                 {"im.npy", "y.npy", "resnet.npz"},
                 {"resnet.npz"},
                 ""});
    t.push_back({"compute_nads" + mlp + " --shape 6,6,1 --init wdeflated.npz", {"wdeflated.npz"}, {"wdeflated.npz"}, ""});
    t.push_back({"train_cifar" + mlp + " --data im.npy --labels y.npy --num-train 8 --num-test 4 --epochs 1 --linearize --init w.npz",
                 {"im.npy", "y.npy", "w.npz"},
                 {"w.npz", "y.npy"},
                 ""});
    for (const std::string folder : {"mnist", "mnistgz"}) {
      t.push_back({"compute_ntk" + mlp + " --data mnist --eigen 2 --data-dir " + folder, {folder}, {folder}, ""});
      t.push_back(
          {"train_cifar" + mlp + " --data mnist --num-test 8 --num-train 12 --epochs 1 --data-dir " + folder, {folder}, {folder}, ""});
    }
    t.push_back({"train_cifar" + mlp + " --data cifar10 --epochs 1 --data-dir cifar", {"cifar"}, {"cifar"}, ""});
    t.push_back({"compute_ntk" + mlp + " --data cifar10 --eigen 2 --data-dir cifar", {"cifar"}, {"cifar"}, ""});
    for (const std::string z : {"z.npy", "z64.npy"}) {
      t.push_back({"compute_ntk" + mlp + " --data im.npy --check-logits " + z, {"im.npy", z}, {z, z, "im.npy"}, ""});
      t.push_back({"train_ntk --ntk K --check-logits " + z, {"K", "im.npy", z}, {z, z, "K/init.npz", "K/config.toml"}, ""});
    }
    // Results of other runs.
    const std::vector<std::string> k{"K/eigvecs.npy", "K/ntk.npy", "K/init.npz", "K/config.toml", "K/eigvals.npy", "K/run.json"};
    const std::vector<std::string> n{"N/nads.npy", "N/init.npz", "N/config.toml", "N/eigvals.npy", "N/run.json"};
    t.push_back({"train_ntk --ntk K --index 0,2" + recipe, {"K", "im.npy"}, k, ""});
    t.push_back({"train_ntk --ntk K --index 1" + recipe + linear, {"K", "im.npy"}, k, ""});
    t.push_back({"train_ntk --ntk K --index 1" + recipe + function, {"K", "im.npy"}, k, ""});
    t.push_back({"train_ntk --ntk K64 --index 1" + recipe, {"K64", "im64.npy"}, {"K64"}, ""});
    t.push_back({"pretrained_ntk_comparison --ntk K --index 1" + recipe, {"K", "im.npy"}, k, ""});
    t.push_back({"pretrained_ntk_comparison --ntk R --index 1 --epochs 1 --batch 4",
                 {"R", "im.npy"},
                 {"R/init.npz", "R/config.toml", "R/eigvecs.npy"},
                 ""});
    t.push_back({"train_nads --nads N --index 0,3 --num-train 8 --num-test 4" + recipe, {"N"}, n, ""});
    t.push_back({"train_nads --nads N --index 2 --num-train 8 --num-test 4" + recipe + function, {"N"}, n, ""});
    // Configurations.
    t.push_back({"compute_ntk --config K/config.toml", {"K", "im.npy"}, {"K/config.toml"}, ""});
    t.push_back({"train_ntk --config U/config.toml", {"U", "K", "im.npy"}, {"U/config.toml"}, ""});
    t.push_back({"train_cifar --config S/classes/config.toml", {"S", "im.npy", "y.npy"}, {"S/classes/config.toml"}, ""});
    t.push_back({"train_nads --config S/directions/config.toml", {"S"}, {"S/directions/config.toml"}, ""});
    t.push_back({"compute_nads --config N/config.toml", {"N"}, {"N/config.toml"}, ""});
    return t;
  }();
  return all;
}

/// Results folders that the same command goes on with, or finds finished.
const std::vector<Target>& continued() {
  static const std::vector<Target> all = [] {
    std::vector<Target> t;
    for (const auto& [name, kind] : {std::pair{"", ""}, std::pair{"L", " --linearize"}, std::pair{"F", " --linearize --space function"}})
      for (const std::string when : {"U", "V"}) {
        const std::string out = when + name;
        t.push_back({training + kind, {"K", "im.npy", out}, {out + "/last.npz", out + "/last.npz", out + "/history.csv", out}, out});
      }
    t.push_back({on_disk, {"big.npy", "T"}, {"T/kernel.tiles", "T/kernel.tiles", "T"}, "T"});
    t.push_back({several, {"K", "im.npy", "M"}, {"M"}, "M"});
    t.push_back({sizes, {"im.npy", "y.npy", "C"}, {"C"}, "C"});
    t.push_back({three_models, {"K", "im.npy", "P"}, {"P"}, "P"});
    t.push_back({directions, {"N", "D"}, {"D"}, "D"});
    t.push_back({saved_kernel, {"im.npy", "Q"}, {"Q", "Q/ntk.npy"}, "Q"});
    t.push_back({saved_kernel, {"im.npy", "K"}, {"K/config.toml", "K/run.json", "K"}, "K"});
    return t;
  }();
  return all;
}

const std::string moved = "a link to it under another name";

/// Something other than a file in its place, or nothing. `endless`: a pipe or a device may be waited for.
std::string put_in_its_place(Draw& draw, const fs::path& path, bool endless) {
  std::vector<std::string> things{"a folder", "a loop", "/dev/null", "no bytes", "nothing", "nothing", "a link to nowhere", moved};
  if (endless) things.insert(things.end(), {"a pipe", "/dev/zero", "/dev/full"});
  const std::string thing = draw.of(things);
  const std::string whole = fs::is_regular_file(path) ? bytes_at(path) : "";
  fs::remove_all(path);
  if (thing == "a folder")
    fs::create_directory(path);
  else if (thing == "a pipe")
    mkfifo(path.c_str(), 0644);
  else if (thing == "a loop")
    fs::create_symlink(path.filename(), path);
  else if (thing[0] == '/')
    fs::create_symlink(thing, path);
  else if (thing == "a link to nowhere")
    fs::create_symlink("nowhere", path);
  else if (thing == "no bytes")
    write_bytes(path, "");
  else if (thing != "nothing") {  // valid, only not where it was
    write_bytes(path.parent_path() / "moved", whole);
    fs::create_symlink("moved", path);
  }
  return thing;
}

}  // namespace

Case draw_case(Draw& draw, const Inputs& inputs) {
  Case one;
  const std::size_t which = draw.below(100);
  const auto file_of = [&](const std::string& name) {
    return name.find_first_of("./") == std::string::npos ? draw.of(inputs.files_of(name)) : name;
  };
  if (which < 35) {
    one.kind = Case::Kind::options;
    one.words = hostile_command(draw);
    one.inputs = {"im.npy", "y.npy", "z.npy", "w.npz", "K", "N", "S", "cifar"};
    one.may_be_long = true;
    return one;
  }
  if (which < 45) {
    one.kind = Case::Kind::report;
    one.words = {"report", "S"};
    one.inputs = {"S"};
    one.broken = draw.of(inputs.files_of("S"));
    return one;
  }
  const auto& targets = which < 78 ? read_files() : continued();
  one.kind = which < 78 ? Case::Kind::file : Case::Kind::folder;
  const Target& target = draw.of(targets);
  one.inputs = target.inputs;
  one.broken = file_of(draw.of(target.files));
  one.out = target.out;
  one.words = words_of(target.command + " --quiet --out " + (target.out.empty() ? "o" : target.out));
  // Of a configuration of which nothing is left the defaults are: they take minutes.
  one.may_be_long = target.command.find("--config") != std::string::npos;
  return one;
}

void break_file(Draw& draw, Case& one, const fs::path& work) {
  if (one.broken.empty()) return;
  const fs::path path = work / one.broken;
  const bool config = one.may_be_long;
  if (one.kind == Case::Kind::folder && draw.chance(0.1)) {  // what a kill may leave, and what does not belong there
    const std::string name = draw.word({".last.npz.1-0.partial", ".config.toml.77-3.partial", "notes", ".kernel.tiles.9-9.partial"});
    one.broken = (fs::path(one.broken).parent_path() / name).string();
    write_bytes(work / one.broken, "a few bytes");
    one.how = "added";
    one.recoverable = one.out != "K";  // which is finished
    return;
  }
  if (draw.chance(one.kind == Case::Kind::folder ? 0.5 : 0.07)) {
    one.how = put_in_its_place(draw, path, !config);
    const std::string name = path.filename().string();
    one.recoverable = one.kind == Case::Kind::folder && one.out != "K" && name != "last.npz" && name != "history.csv" && one.how != moved;
    return;
  }
  one.how = "broken bytes";
  write_bytes(path, broken(draw, one.broken, bytes_at(path)));
}

}  // namespace tangentplane::experiments::hostile
