// A plan is what the run then does: what --plan prints, what run.json holds and what the stages record are one value; and the value is
// right by formulas of its own.
#include "experiments/common/plans/kernel_plan.h"
#include "experiments/common/plans/training_plan.h"
#include "experiments/common/subject/own_network.h"
#include "experiments/common/text/csv.h"
#include "nn/mlp.h"
#include "tests/experiments/run_binary.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// "1.5 GiB"
double bytes_of_size(const std::string& text) {
  const auto words = words_of(text);
  double bytes = std::stod(words[0]);
  for (const std::string unit : {"B", "KiB", "MiB", "GiB"}) {
    if (words[1] == unit) return bytes;
    bytes *= 1024;
  }
  return 0;
}

/// Rows of the table that --plan prints, without header and "all".
std::vector<std::string> printed_rows(const std::string& text) {
  std::istringstream lines(text);
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line) && !line.starts_with("at this");) rows.push_back(line);
  REQUIRE(rows.size() >= 3);
  return {rows.begin() + 1, rows.end() - 1};
}

/// Runs the command with --plan, then for good, and compares: table, run.json's plan, and what each stage did. The memory of a pass is
/// measured, so that a second plan may differ by some percent, and with `panels` be cut in another way. Lanczos may need another basis than
/// is expected: its flops are known up to a factor of 2.
nlohmann::json follows_its_plan(const Sandbox& box, const std::string& command, bool lanczos = false, bool panels = false) {
  INFO(command);
  const std::string out = "out" + std::to_string(std::hash<std::string>{}(command));
  const auto rows = printed_rows(box.good(command + " --quiet --plan --out " + out));
  box.good(command + " --quiet --out " + out);
  const auto record = box.record(out);
  const auto& plan = record["plan"];
  CHECK(plan["gemm_rate"].get<double>() > 1e7);
  REQUIRE(plan["stages"].size() == rows.size());
  double planned = 0, most = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = plan["stages"][i];
    const auto number = [&](const char* key) { return row[key].get<double>(); };
    CHECK(number("seconds") > 0);
    const auto words = words_of(rows[i]), name = words_of(row["name"].get<std::string>());
    REQUIRE(words.size() >= name.size() + 7);
    const auto column = [&](std::size_t k) { return words[name.size() + 2 * k] + " " + words[name.size() + 2 * k + 1]; };
    CHECK(std::equal(name.begin(), name.end(), words.begin()));
    if (!panels) CHECK(column(0) == format_flops(number("flops")));
    CHECK(bytes_of_size(column(1)) == Approx(number("memory")).epsilon(0.1));
    if (!panels) CHECK(column(2) == format_size(number("disk")));
    planned += number("flops");
    most = std::max(most, number("memory"));
  }
  double done = 0;
  for (const auto& stage : record["stages"]) {
    INFO(stage.dump());
    REQUIRE(stage.contains("planned"));
    const double flops = stage["flops"], expected = stage["planned"]["flops"];
    if (lanczos && stage["name"] == "eigenpairs")
      CHECK((flops < 3 * expected && expected < 3 * flops));
    else
      CHECK(flops == expected);
    CHECK((stage["name"] == "ntk.npy" || stage["planned"]["seconds"].get<double>() > 0));
    CHECK(stage["planned"]["memory"].get<double>() <= most);
    done += flops;
  }
  if (!lanczos) CHECK(done == Approx(planned).epsilon(1e-12));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose own memory counts too
  CHECK(record["peak_memory"].get<double>() <= most);
  CHECK(most <= 2 * record["peak_memory"].get<double>() + program_bytes);
#endif
  return record;
}

const std::string mlp = " --model mlp --features 4,1 --num-test 10", recipe = " --epochs 2 --batch 8";

/// Flops of that network's forward pass of an image: a training step is three times that, for the gradients of inputs and of weights.
constexpr double forward_pass = 2 * (3072 * 4 + 4) + 2 * (4 + 1);

/// Flops of an entry of that network's kernel on 32 x 32 x 3 images: (a.a' + 1)(d.d') of the first layer; the second layer's weight and
/// bias by whichever is cheaper, that or a row of 5.
constexpr double pair_flops = 2 * (3072 + 4) + 1 + 10;

}  // namespace

TEST_CASE("plan: compute_ntk by every method follows its plan") {
  const Sandbox box;
  const std::string lenet = "compute_ntk --model lenet --num-train 300 --num-test 20 --eigen 12 --method ";
  const auto full = follows_its_plan(box, lenet + "full --save-ntk");
  CHECK(full["plan"]["kernel"] == "in memory");
  CHECK(full["plan"]["eigenpairs"] == "full");
  CHECK(full["stages"][1]["flops"] == Approx(4. / 3 * std::pow(320, 3) + 4 * 320 * 320 * 12));
  CHECK(full["stages"][0]["planned"]["disk"] == 320 * 320 * 4);
  follows_its_plan(box, lenet + "lanczos", true);
  const auto columns = follows_its_plan(box, lenet + "nystrom --nystrom-points 60");
  CHECK(columns["plan"]["kernel"] == "60 of its columns in memory");
  CHECK(columns["stages"][1]["name"] == "eigenpairs");
}

TEST_CASE("plan: compute_ntk with its kernel on disk, and by panels, follows its plan") {
  const Sandbox box;
  const auto disk = follows_its_plan(
      box, "compute_ntk --model lenet --features 3,4,10,8,1 --num-train 3000 --num-test 0 --eigen 12 --save-ntk --memory 130M", true);
  CHECK(disk["plan"]["kernel"] == "on disk, tiles of 512 images");
  CHECK(disk["stages"][1]["name"] == "ntk.npy");
  CHECK(disk["stages"][1]["planned"]["disk"] == 3000. * 3000 * 4);
  const auto panels = follows_its_plan(
      box, "compute_ntk --model resnet18 --filters 8 --blocks 1,1,1,1 --num-train 3000 --num-test 0 --eigen 10 --memory 200M", true, true);
  CHECK_THAT(panels["plan"]["features"].get<std::string>(), ContainsSubstring("panels of"));
}

TEST_CASE("plan: train_ntk in every way follows its plan, and computes no more of the kernel than it needs") {
  const Sandbox box;
  box.good("compute_ntk" + mlp + " --num-train 90 --eigen 8 --quiet --save-ntk --out K");
  const std::string command = "train_ntk --ntk K --index 1,4,6" + recipe;
  const auto network = follows_its_plan(box, command + " --alignment-every 1");
  std::string names;
  for (const auto& s : network["stages"]) names += s["name"].get<std::string>() + ";";
  CHECK(names == "alignment before training;alignment;alignment;target 1;alignment;alignment;target 4;alignment;alignment;target 6;");
  CHECK(network["stages"][3]["flops"] == 2 * (3. * 90 + 10) * forward_pass);  // epochs, steps and test images
  const auto linear = follows_its_plan(box, command + " --linearize");
  CHECK(linear["stages"][0]["name"] == "features");
  CHECK(linear["plan"]["Jacobian"] == "kept");
  const auto with_kernel = follows_its_plan(box, command + " --linearize --space function");
  CHECK(with_kernel["plan"]["kernel"] == "read from --ntk");
  CHECK(with_kernel["stages"].size() == 1);
  CHECK(with_kernel["stages"][0]["flops"] == 2. * 3 * 2 * 90 * 100);  // epochs, targets, a product with 90 rows of 100
  fs::remove(box / "K/ntk.npy");
  const auto computed = follows_its_plan(box, command + " --linearize --space function --without-f0");
  // The rows of the training images lack the pairs of the 10 test images, of which there are 55.
  CHECK(box.record("K")["stages"][0]["flops"].get<double>() - computed["stages"][0]["flops"].get<double>() == 55 * pair_flops);
}

TEST_CASE("plan: the other experiments follow theirs") {
  const Sandbox box;
  box.good("compute_ntk" + mlp + " --num-train 90 --eigen 8 --quiet --out K");
  box.good("compute_nads --model mlp --features 4,1 --shape 4,4,1 --quiet --out D");
  follows_its_plan(box, "compute_nads --model lenet --shape 12,12,1");
  const auto compared = follows_its_plan(box, "pretrained_ntk_comparison --ntk K --index 2,5" + recipe);
  CHECK(compared["stages"].size() == 6);
  for (const std::string way : {"", " --linearize", " --linearize --space function"}) {
    const auto directions = follows_its_plan(box, "train_nads --nads D --index 0,9 --num-train 40 --num-test 20" + recipe + way);
    CHECK(directions["stages"].size() == (way.ends_with("function") ? 4 : 2));
    const auto classes = follows_its_plan(box, "train_cifar" + mlp + " --num-train 30,60" + recipe + way);
    CHECK(classes["stages"].size() == (way.ends_with("function") ? 3 : 2));
  }
}

TEST_CASE("plan: of what builds on a run that has only begun it is what it is once that is finished") {
  const Sandbox box;
  const std::string kernel = "compute_ntk" + mlp + " --num-train 90 --eigen 8 --save-ntk --quiet --out K",
                    directions = "compute_nads --model mlp --features 4,1 --shape 4,4,1 --quiet --out D";
  box.good(kernel + " --begin");
  box.good(directions + " --begin");
  CHECK(fs::exists(box / "K/.unfinished"));
  CHECK(!fs::exists(box / "K/eigvecs.npy"));
  const std::string on_kernel = " --ntk K --index 1,4,6" + recipe;
  const std::vector<std::string> commands{
      "train_ntk" + on_kernel + " --alignment-every 1",
      "train_ntk" + on_kernel + " --linearize",
      "train_ntk" + on_kernel + " --linearize --space function",
      "pretrained_ntk_comparison" + on_kernel,
      "train_nads --nads D --index 0,15 --num-train 40 --num-test 20" + recipe,
      "train_nads --nads D --index 0,15 --num-train 40 --num-test 20 --linearize --space function" + recipe,
      "train_cifar" + mlp + " --num-train 30,60" + recipe};
  for (std::size_t i = 0; i < commands.size(); ++i) {
    box.good(commands[i] + fmt::format(" --plan --begin --quiet --out P{}", i));
    CHECK_THAT(box.good(commands[i] + " --plan --out none"), ContainsSubstring("\nall "));
  }
  CHECK_THAT(box.refused("train_ntk --ntk K --index 8 --plan" + recipe), ContainsSubstring("holds eigenvectors 0 to 7"));
  CHECK_THAT(box.refused("train_nads --nads D --index 16 --plan --num-train 40" + recipe), ContainsSubstring("holds directions 0 to 15"));
  CHECK_THAT(box.refused("train_ntk --quiet" + on_kernel), ContainsSubstring("its run is not finished"));
  box.good(kernel);
  box.good(directions);
  const auto finished = box.listing("K");
  box.good(kernel + " --begin");
  CHECK(test::differing(box.listing("K"), finished) == "");
  for (std::size_t i = 0; i < commands.size(); ++i) {
    INFO(commands[i]);
    const std::string planned = fmt::format("P{}", i), out = fmt::format("R{}", i);
    box.good(commands[i] + " --quiet --out " + out);
    const auto rows = Csv::read(box / planned / "plan.csv").rows();
    const auto record = box.record(out);
    const auto& stages = record["plan"]["stages"];
    REQUIRE(rows.size() == stages.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
      CHECK(stages[r]["name"] == rows[r][0]);
      CHECK(stages[r]["flops"].get<double>() == std::stod(rows[r][1]));
      CHECK(std::stod(rows[r][2]) > 0);
      CHECK(stages[r]["memory"].get<double>() == Approx(std::stod(rows[r][3])).epsilon(0.1));
      CHECK(stages[r]["disk"].get<double>() == std::stod(rows[r][4]));
    }
    box.good(commands[i] + " --quiet --out " + planned);  // and the run itself goes on
    CHECK(fs::exists(box / planned / "accuracy.csv"));
  }
}

TEST_CASE("plan: a residual network that starts pruned is planned as it will be when it is trained") {
  const Sandbox box;
  box.good("compute_ntk --model resnet18 --filters 4 --num-train 64 --num-test 16 --eigen 5 --quiet --out K");
  follows_its_plan(box, "train_ntk --ntk K --index 2 --epochs 1 --batch 32");
  follows_its_plan(box, "pretrained_ntk_comparison --ntk K --index 2 --epochs 1 --batch 32");
}

TEST_CASE("plan: made from options alone it is what the run wrote down") {
  const Sandbox box;
  CommonOptions o;
  o.model = "lenet", o.features = {3, 4, 10, 8, 1}, o.memory = std::uint64_t(1) << 30, o.num_train = 200, o.num_test = 50;
  KernelOptions k;
  const data::Layout layout = look_at_data(o);
  check_kernel_options(o, k, 250, 1);
  const auto subject = start_subject<float>(o, layout, {}, "250 images take");
  REQUIRE(subject.images() == 1);  // none was read
  const KernelPlan plan = plan_kernel(o, k, subject, box / "out", false);
  CHECK(!plan.disk);
  CHECK(plan.method == kernels::EigenMethod::full);
  box.good("compute_ntk --model lenet --features 3,4,10,8,1 --num-train 200 --num-test 50 --memory 1G --quiet --out out");
  const auto record = box.record("out");
  const auto rows = plan.rows();
  REQUIRE(rows.size() == record["plan"]["stages"].size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = record["plan"]["stages"][i];
    CHECK(row["name"] == rows[i].first);
    CHECK(row["flops"].get<double>() == rows[i].second.flops);
    CHECK(row["memory"].get<double>() == Approx(rows[i].second.memory).epsilon(0.05));  // a pass is measured
    CHECK(row["disk"].get<double>() == rows[i].second.disk);
  }
  CHECK(record["stages"][0]["flops"].get<double>() == plan.of("kernel").flops);

  TrainingWork work{.tasks = {{.name = "a", .num_train = 200, .num_test = 50, .recipe = {.epochs = 3}, .times = 2},
                              {.name = "b", .num_train = 100, .num_test = 50, .recipe = {.epochs = 3}, .learner = {.linearize = true}}}};
  const auto held = held_by_training(o, subject, work);
  const TrainingPlan training = plan_training(o, subject, work, held);
  CHECK(training.room == Approx(static_cast<double>(o.memory) - bytes_of(held)));
  CHECK(training.all().flops == 2 * training.tasks[0].epochs + training.tasks[1].once + training.tasks[1].epochs);
  CHECK(training.tasks[1].keeps());
  CHECK(training.tasks[1].flops_left(0) == 0);
  CHECK(training.tasks[1].flops_left(0.5) == training.tasks[1].once + 0.5 * training.tasks[1].epochs);
  // Without room for the Jacobian it is not kept, and every epoch runs the network again.
  CommonOptions tight = o;
  tight.memory = static_cast<std::uint64_t>(bytes_of(held) + 1000);
  const TrainingPlan anew = plan_training(tight, subject, work, held);
  CHECK(!anew.tasks[1].keeps());
  CHECK(anew.tasks[1].once == 0);
  CHECK(anew.tasks[1].epochs > training.tasks[1].epochs);
}

namespace {

/// Bytes of the part of that name.
double held_for(const std::vector<Held>& parts, const std::string& what) {
  double bytes = 0;
  for (const Held& part : parts)
    if (part.what == what) bytes += part.bytes;
  REQUIRE(bytes > 0);
  return bytes;
}

template <class S>
void counts_what_training_keeps() {
  CommonOptions o;
  o.networks = {std::make_shared<const OwnNetwork>(own_network("ten", Mlp{.features = {30, 10}}))};
  o.model = "ten", o.memory = std::uint64_t(4) << 30, o.num_train = 200, o.num_test = 50;
  const data::Layout layout = look_at_data(o);
  const auto subject = start_subject<S>(o, layout, {}, "250 images take");
  REQUIRE(subject.outputs == 10);
  const double bytes = sizeof(S), weights = 3072 * 30 + 30 + 30 * 10 + 10;
  const auto held = [&](const Optimizer& optimizer, const LearnerOptions& learner, Index outputs, std::size_t targets) {
    return held_by_training(o, subject,
                            {.tasks = {{.num_train = 200,
                                        .num_test = 50,
                                        .recipe = {.epochs = 3, .batch = 20, .optimizer = optimizer},
                                        .learner = learner,
                                        .targets = targets,
                                        .outputs = outputs}}});
  };
  // Of each weight: where it started, where it is, its gradient, and the optimizer's moments: one of SGD's, two of Adam's. Where it is and
  // the moments are there once more, as of the last finished epoch. And one list while the weights are written.
  const auto lists = [](double moments) { return 1 + 1 + 1 + moments + (1 + moments) + 1; };
  for (const LearnerOptions& learner : {LearnerOptions{}, LearnerOptions{.linearize = true}}) {
    const auto sgd = held(Sgd{}, learner, 10, 1), adam = held(Adam{}, learner, 10, 1);
    CHECK(held_for(sgd, "the weights") == lists(1) * weights * bytes);
    CHECK(held_for(adam, "the weights") == lists(2) * weights * bytes);
    CHECK(bytes_of(adam) - bytes_of(sgd) == Approx(2 * weights * bytes));
  }
  // In function space every image has a row of the kernel, and a coefficient of each task, for each output.
  const LearnerOptions function{.linearize = true, .space = "function"};
  for (const double outputs : {1., 10.})
    for (const double tasks : {1., 7.}) {
      INFO(outputs << " outputs, " << tasks << " tasks");
      const auto parts = held(Sgd{}, function, static_cast<Index>(outputs), static_cast<std::size_t>(tasks));
      CHECK(held_for(parts, "the kernel") == 200 * outputs * 250 * outputs * bytes);
      // a and p of training images, J (theta - theta0) and J m of all, these four as of the last epoch too, labels; then final weights.
      const double coefficients = 2 * (2 * 200 + 2 * 250) * outputs * tasks + 250 * outputs * tasks, group = tasks * weights;
      const double counted = held_for(parts, "the targets") / bytes;
      CHECK(counted >= coefficients + group);
      CHECK(counted <= 1.25 * coefficients + group);
    }
  const auto one = held(Sgd{}, function, 1, 7), ten = held(Sgd{}, function, 10, 7);
  CHECK(bytes_of(ten) - bytes_of(one) >= (200. * 250 * (100 - 1) + 1800. * 7 * (10 - 1)) * bytes);
  // An epoch multiplies the kernel's training rows with the coefficients of each task.
  const TrainingWork work{
      .tasks = {
          {.num_train = 200, .num_test = 50, .recipe = {.epochs = 3, .batch = 20}, .learner = function, .targets = 7, .outputs = 10}}};
  CHECK(plan_training(o, subject, work, held_by_training(o, subject, work)).tasks[0].epochs == 3. * 7 * 2 * (200 * 10) * (250 * 10));
}

}  // namespace

TEST_CASE("plan: the moments of the optimizer, and kernel and coefficients of every output, are counted") {
  counts_what_training_keeps<float>();
  counts_what_training_keeps<double>();
}

TEST_CASE("plan: trainings by Adam, and of several outputs in function space, stay within their plans") {
  const Sandbox box;
  const std::string wide = " --model mlp --features 500,1 --num-train 64 --num-test 10 --epochs 2 --batch 16";  // weights are most of it
  for (const std::string way : {"", " --linearize"}) follows_its_plan(box, "train_cifar" + wide + way + " --optimizer adam");
  box.good("compute_nads --model mlp --features 300,1 --shape 24,24,3 --quiet --out D");
  follows_its_plan(box, "train_nads --nads D --index 0 --num-train 64 --num-test 10 --epochs 2 --batch 16 --optimizer adam");
  const auto function = follows_its_plan(
      box, "own_networks train_cifar --model ten --num-train 200 --num-test 50 --epochs 2 --batch 20 --linearize --space function");
  CHECK(function["stages"].back()["flops"] == 2. * 2 * (200 * 10) * (250 * 10));
}

TEST_CASE("plan: a run that goes on records what was left beside what the whole was planned to take") {
  const Sandbox box;
  const std::string command = "train_cifar" + mlp + " --num-train 30,60" + recipe + " --quiet --out C";
  box.good(command);
  const auto whole = box.record("C")["stages"][1];
  box.write("C/.unfinished", "");
  fs::remove_all(box / "C/60");
  box.good(command);
  const auto stages = box.record("C")["stages"];
  REQUIRE(stages.size() == 4);
  CHECK(stages[2]["flops"] == 0);
  CHECK(stages[2]["planned"]["flops"] == stages[0]["flops"]);
  CHECK(stages[3]["flops"] == whole["flops"]);
}
