// What the page shows besides the claims: pictures of the things that the claims speak of.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "experiments/claims/claim.h"

namespace tangentplane::experiments {

/// A picture of pixels with words around it, as markup.
struct Plate {
  std::string markup;   ///< an <svg>
  std::string caption;  ///< markup: what to see, and links
};

struct Context {
  std::string id, title;
  std::vector<std::string> paragraphs = {};
  std::vector<std::pair<std::string, Figure>> figures = {};  ///< with the names of their files, without extension
  std::vector<Plate> plates = {};
  std::vector<Table> tables = {};
  std::vector<const Run*> runs = {};
  std::string missing = {};  ///< what would fill it

  bool empty() const { return figures.empty() && plates.empty(); }
};

// Throw std::invalid_argument naming the file for results that are not what an experiment writes.

/// Eigenvalues of all kernels, a figure for each data set, and of all networks' anisotropy directions.
Context spectra(const Study& study);
/// The images at which eigenfunctions are lowest and highest (eigenfunctions.png of compute_ntk).
Context gallery_of_eigenfunctions(const Study& study);
/// Alignment in the course of training (train_ntk --alignment-every).
Context kernel_in_training(const Study& study);
/// Loss against epochs of the three models that claim 5 compares, or a task of the user's own.
Context loss_curves(const Study& study);
/// Anisotropy directions that no claim's section shows (nads.png of compute_nads).
Context other_directions(const Study& study, const std::vector<Section>& sections);

}  // namespace tangentplane::experiments
