// From a graph to a program: which initialisers are parameters, two readings compared, and steps joined.
#pragma once

#include "nn/network_size.h"
#include "nn/onnx/load.h"
#include "nn/onnx/read/reader.h"

namespace tangentplane::onnx {

/// Names for the statistics: each BatchNormalization has its own, even where an exporter has merged equal ones.
Statistics statistics_of(const Graph& graph);

/// Which initialisers are trained, by the rule of README.md as `wanted` changes it, and names for the statistics. Throws
/// std::invalid_argument for a name that there is not, and where nothing is left to train.
Roles assign_roles(const Graph& graph, const Trainable& wanted);

/// The graph's program, for a batch of any size.
Program make_program(const Graph& graph, const Roles& roles);

/// Joins steps that have a routine of their own: GELU and SiLU spelled out, convolution + function + 2 x 2 mean.
void join_steps(Program& program);
/// Marks the steps that compute on parameters alone, where these are small and meet the examples entry by entry: a table of biases whose
/// entries are looked up, a token that is scaled.
void mark_by_example(Program& program);
/// Which step takes a weight that is computed from parameters, and which weight, as a message has it; empty where none does. Of marked
/// steps.
std::string computed_weight_of(const Program& program);
/// Drops steps that nothing needs, and writes down after which step each value is done with.
void order_steps(Program& program);

/// Of the program's network.
NetworkSize size_of(const Program& program);

}  // namespace tangentplane::onnx
