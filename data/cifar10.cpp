#include "data/cifar10.h"

#include <span>

#include "autodiff/check.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::data {
namespace fs = std::filesystem;
namespace {

constexpr Index plane = 32 * 32, image_size = 3 * plane, record_size = 1 + image_size;
constexpr std::array training_files{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"};
constexpr std::array test_files{"test_batch.bin"};

fs::path find(const fs::path& directory, const char* file) {
  return find_data_file(directory, "cifar-10-batches-bin", file, "cifar10", false);
}

Index count_records(const fs::path& file) {
  const auto bytes = static_cast<Index>(ByteSource::file(file).left());
  require(bytes > 0 && bytes % record_size == 0, "{}: {} bytes are not a whole number of CIFAR-10 records of {}; fetch it again",
          file.string(), bytes, record_size);
  return bytes / record_size;
}

/// The first `count` images of some files to images [at, at + count).
void load_part(const fs::path& directory, std::span<const char* const> names, Index count, Index at, ByteImages& images) {
  Index found = 0;
  for (const char* name : names) {
    if (found == count) return;
    const fs::path file = find(directory, name);
    const Index n = std::min(count_records(file), count - found);
    Bytes records(static_cast<std::size_t>(n * record_size));
    ByteSource::file(file).read(records.data(), records.size());
    for (Index i = 0; i < n; ++i) {
      const int label = records[static_cast<std::size_t>(i * record_size)];
      require(label < 10, "{}: record {} has label {}; CIFAR-10's are 0 to 9", file.string(), i, label);
      images.classes[static_cast<std::size_t>(at + found + i)] = label;
    }
    cpu::parallel_chunks(n, 64, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const std::uint8_t* from = records.data() + i * record_size + 1;
        std::uint8_t* to = images.pixels.data() + (at + found + i) * image_size;
        for (Index p = 0; p < plane; ++p)
          for (Index c = 0; c < 3; ++c) to[3 * p + c] = from[c * plane + p];
      }
    });
    found += n;
  }
  require(found == count, "cifar10: {} images asked for in {}, there are {}", count, directory.string(), found);
}

}  // namespace

PartSizes cifar10_sizes(const fs::path& directory) {
  PartSizes sizes;
  for (const char* name : training_files) sizes.num_train += count_records(find(directory, name));
  for (const char* name : test_files) sizes.num_test += count_records(find(directory, name));
  return sizes;
}

std::vector<fs::path> cifar10_files(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const char* name : training_files) files.push_back(find(directory, name));
  for (const char* name : test_files) files.push_back(find(directory, name));
  return files;
}

ByteImages load_cifar10(const fs::path& directory, PartSizes sizes) {
  const Index n = sizes.num_train + sizes.num_test;
  ByteImages images{{n, 32, 32, 3}, Bytes(static_cast<std::size_t>(n * image_size)), std::vector<int>(static_cast<std::size_t>(n))};
  load_part(directory, training_files, sizes.num_train, 0, images);
  load_part(directory, test_files, sizes.num_test, sizes.num_train, images);
  return images;
}

}  // namespace tangentplane::data
