// What a model is written with: one name an op, for every value type. Shapes are checked here, before any work. Ops that interpret axes
// take no examples (a first axis of 0) and return none, but refuse any other axis of 0.
#pragma once

#include "autodiff/ops/axes.h"
#include "autodiff/ops/basic.h"
#include "autodiff/ops/batch_matmul.h"
#include "autodiff/ops/broadcast.h"
#include "autodiff/ops/convolution.h"
#include "autodiff/ops/functions.h"
#include "autodiff/ops/layer_norm.h"
#include "autodiff/ops/operators.h"
#include "autodiff/ops/pooling.h"
#include "autodiff/ops/reductions.h"
#include "autodiff/ops/softmax.h"
