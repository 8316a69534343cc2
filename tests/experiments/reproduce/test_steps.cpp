// The study's steps one by one: listed, run alone, several at once, as jobs; and what the options make of the table.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <set>

#include "autodiff/random.h"
#include "experiments/common/text/csv.h"
#include "tests/experiments/reproduce/study.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::bytes_of_steps;
using test::few_steps;
using test::Names;
using test::ran;
using test::Sandbox;
using test::study;
namespace fs = std::filesystem;

namespace {

struct Step {
  std::string name, needs, command;
};
std::vector<Step> listed(const Sandbox& box, const std::string& options) {
  std::vector<Step> steps;
  std::istringstream lines(box.good(places::reproduce() + " --list " + options));
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    REQUIRE(std::count(line.begin(), line.end(), '\t') == 2);
    const auto first = line.find('\t'), second = line.find('\t', first + 1);
    steps.push_back({line.substr(0, first), line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return steps;
}
Names names_of(const std::vector<Step>& steps) {
  Names names;
  for (const Step& s : steps) names.push_back(s.name);
  return names;
}
const Step& step(const std::vector<Step>& steps, const std::string& name) {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const Step& s) { return s.name == name; });
  REQUIRE(found != steps.end());
  return *found;
}

/// A tree of its own, as far as the script needs one.
void tree(const fs::path& root) {
  fs::create_directories(root / "experiments");
  for (const char* name : {"reproduce", "run-step", "plan-steps", "slurm-jobs", "study.txt"})
    fs::copy(fs::path(places::reproduce()).parent_path() / name, root / "experiments" / name);
}

}  // namespace

TEST_CASE("reproduce --list: every step under every seed once, below what it needs, with the command of its size") {
  const Sandbox box;
  for (const std::string size : {"", "--full", "--data mnist --data-dir . --num-test 77"}) {
    const auto steps = listed(box, size + " --seeds 2");
    CHECK(steps.size() == std::size_t(2 * 27));
    std::set<std::string> above;
    for (const Step& s : steps) {
      INFO(s.command);
      const bool seed1 = s.name.ends_with("-seed1"), of_classes = s.command.starts_with("train_cifar ");
      CHECK((s.needs == "-" || above.count(s.needs) == 1));
      CHECK(above.insert(s.name).second);
      CHECK_THAT(s.command + " ", ContainsSubstring(" --out " + s.name + " ") && ContainsSubstring(seed1 ? " --seed 1 " : " --seed 0 "));
      CHECK(s.command.find_first_of("${}|@") == std::string::npos);
      CHECK((s.command.find("--subset-seed 1") != std::string::npos) == (of_classes && seed1));
      const bool has_images = of_classes || s.command.starts_with("compute_ntk ");
      CHECK((s.command.find("--data ") != std::string::npos) == has_images);
      CHECK((s.command.find("--data-seed") != std::string::npos) == (has_images && size.find("mnist") == std::string::npos));
      if (s.needs != "-") CHECK_THAT(s.command, ContainsSubstring(" " + s.needs + " "));
    }
  }
  // The sizes of the study that are the paper's.
  const auto full = listed(box, "--full");
  CHECK(full.size() == 27);
  CHECK_THAT(step(full, "ntk-lenet").command, ContainsSubstring("--num-train 50000 --num-test 10000 --eigen 1000 --save-ntk"));
  CHECK_THAT(step(full, "classes-mlp").command, ContainsSubstring("--num-train 100,1000,10000,50000 --num-test 10000"));
  CHECK_THAT(step(full, "directions-lenet").command, ContainsSubstring("--index 0:1024:16 --num-train 10000 --num-test 10000"));
  CHECK_THAT(step(full, "eigenfunctions-mlp").command, ContainsSubstring(",900 --epochs 100 "));
  CHECK(step(full, "ntk-resnet18").command.find("--filters") == std::string::npos);
  // Sizes in order, each once, whatever they are computed from.
  const auto sizes = [&](const std::string& options) {
    const std::string command = step(listed(box, options), "classes-mlp").command, option = "--num-train ";
    const auto at = command.find(option) + option.size();
    return command.substr(at, command.find(' ', at) - at);
  };
  CHECK(sizes("--full --num-train 3000") == "60,100,600,3000");
  CHECK(sizes("--full --num-train 5000") == "100,1000,5000");
  CHECK(sizes("--full --num-train 500") == "10,100,500");
  CHECK(sizes("--num-train 300") == "15,75,300");

  CHECK(names_of(listed(box, "--seeds 1 --models mlp --only trained-*")) == Names{"ntk-mlp", "trained-mlp"});
  CHECK(names_of(listed(box, "--seeds 1 --models lenet,resnet18 --only nads-*")) == Names{"nads-lenet", "nads-resnet18"});
  CHECK(names_of(listed(box, "--seeds 2 --only nads-mlp-seed1")) == Names{"nads-mlp-seed1"});
  for (const Step& s : listed(box, "--full --targets 7,70 --epochs 9")) {
    INFO(s.command);
    CHECK((s.command.find("--epochs ") != std::string::npos) == (s.command.find("--epochs 9 ") != std::string::npos));
    CHECK((s.command.find("--index 7,70 ") != std::string::npos) == s.command.starts_with("train_ntk "));
  }
  // Nothing is written, and files of images have no classes.
  box.write("images.npy", "");
  CHECK(listed(box, "--data images.npy --seeds 1").size() == 21);
  CHECK(box.files() == 1);
}

TEST_CASE("reproduce: what it refuses, in one line, with nothing done") {
  const Sandbox box;
  const auto refused = [&](const std::string& options) {
    const auto end = box.run(places::reproduce() + " " + options);
    INFO(options << "\n" << end.out << end.err);
    CHECK(end.status == 2);
    CHECK(end.out == "");
    CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
    CHECK(end.err.starts_with("reproduce: "));
    CHECK(box.files() == 0);
    return end.err;
  };
  CHECK_THAT(refused("--models lenet,vgg --list"), ContainsSubstring("--models lenet,vgg: give some of lenet,mlp,resnet18"));
  CHECK_THAT(refused("--targets 1,a --list"), ContainsSubstring("--targets 1,a: give a list such as 1,10,100"));
  CHECK_THAT(refused("--epochs 0 --list"), ContainsSubstring("--epochs 0: give an integer >= 1"));
  CHECK_THAT(refused("--num-train 299 --list"), ContainsSubstring("--num-train 299: give an integer >= 300"));
  CHECK_THAT(refused("--seeds 0 --list"), ContainsSubstring("--seeds 0: give an integer from 1 to 9999"));
  CHECK_THAT(refused("--data cifar10 --list"), ContainsSubstring("--data cifar10 needs --data-dir"));
  CHECK_THAT(refused("--data none.npy --list"), ContainsSubstring("none.npy: no such file"));
  CHECK_THAT(refused("--data pictures --list"), ContainsSubstring("--data pictures: give dead-leaves, cifar10, mnist or FILE.npy"));
  CHECK_THAT(refused("--only nothing --list"), ContainsSubstring("--only nothing: no step has such a name; there are classes-lenet "));
  CHECK_THAT(refused("--step ntk --bin " + places::binaries() + " --out results"),
             ContainsSubstring("--step ntk: no step has such a name; there are classes-lenet "));
  CHECK_THAT(refused("--bin . --list"), ContainsSubstring("holds no binaries"));
  CHECK_THAT(refused("--step"), ContainsSubstring("--step needs a value"));
  CHECK_THAT(refused("--steps"), ContainsSubstring("unknown option --steps"));
}

TEST_CASE("reproduce --step: one step alone, once what it needs is there, the study goes on from these, as by the commands of the list") {
  const Sandbox box;
  const auto early = box.run(study(few_steps + " --step eigenfunctions-mlp"));
  CHECK(early.status == 2);
  CHECK_THAT(early.err, ContainsSubstring("--step eigenfunctions-mlp: needs ntk-mlp, which is not finished; run --step ntk-mlp first\n"));
  CHECK(ran(box.good(study(few_steps + " --step ntk-mlp"))) == Names{"ntk-mlp"});
  // While one runs, others may; a whole study may not, and while that runs none may.
  {
    const int shared = open((box / "results/.lock").c_str(), O_RDWR);
    REQUIRE(flock(shared, LOCK_SH) == 0);
    CHECK(ran(box.good(study(few_steps + " --step eigenfunctions-mlp"))) == Names{"eigenfunctions-mlp"});
    CHECK_THAT(box.run(study(few_steps)).err, ContainsSubstring("is writing there"));
    REQUIRE(flock(shared, LOCK_EX) == 0);
    CHECK_THAT(box.run(study(few_steps + " --step classes-mlp")).err, ContainsSubstring("is writing there"));
    close(shared);
  }
  CHECK(ran(box.good(study(few_steps + " --step eigenfunctions-mlp"))) == Names{});
  const std::string rest = box.good(study(few_steps));
  CHECK(ran(rest) == Names{"classes-mlp", "classes-mlp-linearized", "eigenfunctions-mlp-linearized"});

  // A step's command in the folder of the results is all there is to it.
  const auto end = test::shell(box, "mkdir by-hand\n" + test::for_shell(study(few_steps, "by-hand")) + " --list >list\ncd by-hand\n" +
                                        "while IFS='\t' read -r name needs command; do eval \"$command --quiet\" || exit; done <../list");
  INFO(end.out << end.err);
  REQUIRE(end.status == 0);
  CHECK(test::differing(bytes_of_steps(box, "results"), bytes_of_steps(box, "by-hand")) == "");
}

TEST_CASE("reproduce --slurm: arrays of jobs, each element after the one it needs, and the report after all") {
  const Sandbox box;
  // Runs every element of an array at once, if what it waits for has run: the whole arrays (afterok), or of an array the element of its own
  // number (aftercorr). Prints the array's number as on one of several clusters.
  const TemporaryFolder& folder = box;
  folder.write("sbatch", R"(#!/bin/bash
array='' after='' corresponding='' name='' wrapped=''
while [[ $# -gt 0 ]]; do
  case $1 in
    --array=*) array=${1#*=} ;;
    --dependency=afterok:*) after=${1#*:} ;;
    --dependency=aftercorr:*) corresponding=${1#*:} ;;
    -J) name=$2 && shift ;;
    --wrap) wrapped=$2 && shift ;;
  esac
  shift
done
for id in ${after//:/ }; do [[ -f job-$id ]] || exit 1; done
id=$(ls job-? 2>/dev/null | wc -l)
for element in ${array//,/ }; do
  [[ -z $corresponding || -f job-$corresponding.$element ]] || exit 1
  SLURM_ARRAY_TASK_ID=$element sh -c "$wrapped" >&2 || exit 1
  touch job-$id.$element
done
[[ -n $array ]] || sh -c "$wrapped" >&2 || exit 1
echo "$name: $array after $after$corresponding" >job-$id
echo "$id;cluster"
)");
  fs::permissions(box / "sbatch", fs::perms::owner_exec, fs::perm_options::add);
  box.good(study(few_steps + " --slurm jobs.sh"));
  CHECK(!fs::exists(box / "results"));
  const auto end = test::shell(box, "PATH=.:$PATH sh jobs.sh --time=60");
  INFO(end.out << end.err);
  REQUIRE(end.status == 0);
  CHECK(read_text(box / "job-0") == "steps: 0,1,2 after \n");  // ntk-mlp, and the classes of the network and of its linearization
  CHECK(read_text(box / "job-1") == "steps_1: 0 after 0\n");   // eigenfunctions-mlp
  CHECK(read_text(box / "job-2") == "steps_2: 0 after 0\n");   // ... -linearized
  CHECK(read_text(box / "job-3") == "report:  after 0:1:2\n");
  CHECK(fs::exists(box / "results/index.html"));
  CHECK(ran(box.good(study(few_steps))) == Names{});

  // What cannot be written is refused, and nothing runs in its place; so it is without the binaries that the jobs would run.
  for (const std::string option : {"--slurm /nonexistent/jobs.sh", "--slurm /dev/full"}) {
    const auto refused = box.run(study(few_steps, "other") + " " + option);
    CHECK(refused.status == 2);
    CHECK(refused.err == "reproduce: " + option + ": cannot be written; give another file\n");
  }
  CHECK(test::shell(box, test::for_shell(study(few_steps, "other")) + " --plan >/dev/full").status != 0);
  CHECK(test::shell(box, test::for_shell(study(few_steps, "other")) + " --help >/dev/full").status != 0);
  CHECK(!fs::exists(box / "other"));

  // What no submission takes ends the script, rather than go on without it.
  folder.write("sbatch", "#!/bin/sh\nexit 1\n");
  CHECK(test::shell(box, "PATH=.:$PATH sh jobs.sh").status == 1);
}

TEST_CASE("reproduce: a step whose line of the table changed runs again, and what needs it, though its own line did not") {
  const Sandbox box;
  tree(box / "tree");
  const std::string own =
      (box / "tree/experiments/reproduce").string() + " --bin " + places::binaries() +
      " --out results --num-train 300 --num-test 40 --seeds 1 --epochs 2 --targets 1,3 --only @(eigenfunctions-mlp|nads-mlp)";
  box.good(own);
  CHECK(box.array("results/eigenfunctions-mlp/1/alignment.npy").shape() == (Shape{3, 300}));
  const fs::path table = box / "tree/experiments/study.txt";
  std::string text = read_text(table);
  const auto at = text.find("\neigen ");
  REQUIRE(at != std::string::npos);
  text.replace(text.find("300", at), 3, "200");
  replace_text(table, text);
  CHECK(ran(box.good(own)) == Names{"eigenfunctions-mlp", "ntk-mlp"});
  CHECK(box.array("results/eigenfunctions-mlp/1/alignment.npy").shape() == (Shape{3, 200}));
}

TEST_CASE("reproduce: paths with all that a shell reads as its own, under a locale with decimal commas") {
  const Sandbox box;
  const std::string odd = "a b&c'd\"e$f`g(h)ü|;*";
  const TemporaryFolder& folder = box;
  fs::create_directories(box / odd);
  Tensor<float> images({340, 8, 8, 1});
  RandomStream random(1, "images");
  for (float& v : images.span()) v = static_cast<float>(random.uniform());
  data::save_npy(box / odd / "images & more.npy", images);
  tree(box / odd / "tree");
  fs::create_directory_symlink(places::binaries(), box / odd / "bin");
  folder.write("odd", odd);
  const auto end = test::shell(box,
                               "odd=$(cat odd)\nexport LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8\n"
                               "run() { \"$odd/tree/experiments/reproduce\" --bin \"$odd/bin\" --out \"$odd/results\" "
                               "--data \"$odd/images & more.npy\" --num-train 300 --num-test 40 --seeds 1 --epochs 2 --targets 1,3 "
                               "--only 'eigenfunctions-mlp*' \"$@\"; }\n"
                               "run && run && run --plan");
  INFO(end.out << end.err);
  REQUIRE(end.status == 0);
  CHECK_THAT(end.out, ContainsSubstring("0 of 3 steps are finished") && ContainsSubstring("3 of 3 steps are finished") &&
                          ContainsSubstring("training ") && !ContainsSubstring("once"));
  CHECK(fs::exists(box / odd / "results/index.html"));
  CHECK(box.record(odd + "/results/ntk-mlp").contains("fingerprints"));
  const Csv accuracy = Csv::read(box / odd / "results/eigenfunctions-mlp/accuracy.csv");
  CHECK(accuracy.rows().size() == 2);
}
