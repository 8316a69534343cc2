// What every learner must do: go on from a saved state as if never interrupted, and give the same bits with any number of threads.
#pragma once

#include "nn/train.h"
#include "tests/small.h"

namespace tangentplane {

inline bool same_history(const History& a, const History& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (auto field : {&EpochRecord::learning_rate, &EpochRecord::train_loss, &EpochRecord::train_accuracy, &EpochRecord::test_loss,
                       &EpochRecord::test_accuracy, &EpochRecord::distance})
      if (a[i].*field != b[i].*field) return false;
  return true;
}
template <class S>
bool same_state(const LearnerState<S>& a, const LearnerState<S>& b) {
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i) same = a[i].first == b[i].first && same_bits(a[i].second, b[i].second);
  return same;
}

/// `make()` gives a fresh learner.
template <class S, class Make>
void goes_on_as_if_uninterrupted(const Make& make, const Tensor<S>& labels, Index num_train, const Recipe& recipe) {
  auto whole = make();
  LearnerState<S> saved;
  std::vector<History> so_far;
  const auto histories = train<S>(whole, labels, num_train, recipe,
                                  {[&](Index epoch, const std::vector<History>& h) {
                                     if (epoch != 2) return;
                                     saved = whole.state();  // and goes on training: the saved tensors must not change with it
                                     so_far = h;
                                   },
                                   {}});
  auto second = make();
  CHECK_FALSE(same_state(saved, whole.state()));
  second.use(recipe.optimizer);
  second.restore(saved);
  const auto rest = train<S>(second, labels, num_train, recipe, {}, so_far);
  REQUIRE(rest.size() == histories.size());
  for (std::size_t t = 0; t < rest.size(); ++t) CHECK(same_history(rest[t], histories[t]));
  CHECK(same_state(second.state(), whole.state()));

  // A state that it cannot take leaves a learner as it was, whichever tensor is wrong.
  auto third = make();
  third.use(recipe.optimizer);
  const auto start = third.state();
  auto broken = saved;
  broken.pop_back();
  CHECK_THROWS_WITH(third.restore(broken), Catch::Matchers::ContainsSubstring("is missing"));
  CHECK(same_state(third.state(), start));
  for (std::size_t i = 0; i < saved.size(); ++i) {
    broken = saved;
    broken[i].second = Tensor<S>::zeros({1, 2, 3});
    CHECK_THROWS_WITH(third.restore(broken), Catch::Matchers::ContainsSubstring("has shape [1,2,3]"));
    CHECK(same_state(third.state(), start));
  }
}

template <class S, class Make>
void gives_the_same_bits_with_any_number_of_threads(const Make& make, const Tensor<S>& labels, Index num_train, const Recipe& recipe) {
  const auto run = [&](int threads) {
    cpu::set_threads(threads);
    auto learner = make();
    auto history = train<S>(learner, labels, num_train, recipe);
    cpu::set_threads(0);
    return std::pair(history, learner.state());
  };
  const auto one = run(1), two = run(2);
  for (std::size_t t = 0; t < one.first.size(); ++t) CHECK(same_history(one.first[t], two.first[t]));
  CHECK(same_state(one.second, two.second));
}

/// [N, columns] of zeros and ones.
template <class S>
Tensor<S> draw_labels(Index n, Index columns = 1) {
  RandomStream random(2, "labels");
  Tensor<S> y({n, columns});
  for (S& v : y.span()) v = static_cast<S>(random.below(2));
  return y;
}

}  // namespace tangentplane
