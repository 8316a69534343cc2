#include "data/mnist.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

#include "autodiff/check.h"

namespace tangentplane::data {
namespace fs = std::filesystem;
namespace {

constexpr Index side = 28;

constexpr std::array names{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

/// One idx file of bytes; zlib reads plain files as they are, and compressed ones whatever they are called.
class IdxFile {
 public:
  IdxFile(const fs::path& directory, const char* file, std::uint32_t magic)
      : path_(find_data_file(directory, "mnist", file, "mnist", true)), file_(gzopen(path_.c_str(), "rb")) {
    require(file_ != nullptr, "{}: cannot be opened", path_.string());
    gzbuffer(file_.get(), 1 << 17);
    const std::uint32_t found = word();
    require(found == magic, "{}: magic number {:#010x}, not {:#010x} of MNIST's {}", path_.string(), found, magic,
            magic == 0x803 ? "images" : "labels");
    count_ = word();
    if (magic == 0x803) {
      const Index height = word(), width = word();
      require(height == side && width == side, "{}: images of {} x {}, not {} x {}", path_.string(), height, width, side, side);
      item_ = side * side;
    }
    header_bytes_ = magic == 0x803 ? 16 : 8;
    if (!gzdirect(file_.get())) return;
    std::error_code error;
    const auto there = static_cast<Index>(fs::file_size(path_, error));  // the length of a plain file tells at once
    require(!error, "{}: cannot be read ({})", path_.string(), error.message());
    require(there == header_bytes_ + count_ * item_, "{}: {} bytes, not {} for {} {}", path_.string(), there,
            header_bytes_ + count_ * item_, count_, magic == 0x803 ? "images" : "labels");
  }

  Index count() const { return count_; }
  std::string name() const { return path_.string(); }
  /// The next items.
  void read(std::uint8_t* to, Index items) {
    for (Index left = items * item_; left > 0;) {
      const int n = gzread(file_.get(), to, static_cast<unsigned>(std::min<Index>(left, 1 << 24)));
      require_sound();
      require(n > 0, "{}: is cut short: {} bytes missing", path_.string(), left);
      to += n;
      left -= n;
    }
  }
  /// Reads and drops items.
  void skip(Index items) {
    Bytes dropped(static_cast<std::size_t>(std::min<Index>(items, 1 << 16)));
    for (; items > 0; items -= std::min<Index>(items, 1 << 16)) read(dropped.data(), std::min<Index>(items, 1 << 16));
  }
  /// Throws unless the file ends here.
  void end() {
    std::uint8_t beyond;
    const int n = gzread(file_.get(), &beyond, 1);
    require_sound();
    require(n == 0, "{}: is longer than its {} items", path_.string(), count_);
  }

 private:
  struct Close {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };
  std::uint32_t word() {
    std::uint8_t b[4];
    const int n = gzread(file_.get(), b, 4);
    require_sound();
    require(n == 4, "{}: is cut short: no idx header", path_.string());
    return static_cast<std::uint32_t>(b[0]) << 24 | static_cast<std::uint32_t>(b[1]) << 16 | static_cast<std::uint32_t>(b[2]) << 8 | b[3];
  }
  void require_sound() {
    int code = Z_OK;
    const char* text = gzerror(file_.get(), &code);
    if (code == Z_BUF_ERROR) text = "it ends within the compressed data";
    require(code == Z_OK || code == Z_STREAM_END, "{}: is damaged: {}", path_.string(), text);
  }

  fs::path path_;
  std::unique_ptr<gzFile_s, Close> file_;
  Index count_ = 0, item_ = 1, header_bytes_ = 0;
};

struct Part {
  IdxFile images, labels;
  Part(const fs::path& directory, const char* image_file, const char* label_file)
      : images(directory, image_file, 0x803), labels(directory, label_file, 0x801) {
    require(images.count() == labels.count(), "{}: {} images, {} labels in {}", images.name(), images.count(), labels.count(),
            labels.name());
  }
};
Part training_part(const fs::path& directory) { return {directory, names[0], names[1]}; }
Part test_part(const fs::path& directory) { return {directory, names[2], names[3]}; }

void load_part(Part part, Index count, Index at, ByteImages& images) {
  require(count <= part.images.count(), "{}: {} images asked for, there are {}", part.images.name(), count, part.images.count());
  part.images.read(images.pixels.data() + at * side * side, count);
  if (count == part.images.count()) part.images.end();
  Bytes labels(static_cast<std::size_t>(count));
  part.labels.read(labels.data(), count);
  part.labels.skip(part.labels.count() - count);  // as many as the header says, though none of these is used
  part.labels.end();
  for (Index i = 0; i < count; ++i) {
    const int label = labels[static_cast<std::size_t>(i)];
    require(label < 10, "{}: label {} of image {}; MNIST's are 0 to 9", part.labels.name(), label, i);
    images.classes[static_cast<std::size_t>(at + i)] = label;
  }
}

}  // namespace

PartSizes mnist_sizes(const fs::path& directory) { return {training_part(directory).images.count(), test_part(directory).images.count()}; }

std::vector<fs::path> mnist_files(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const char* name : names) files.push_back(find_data_file(directory, "mnist", name, "mnist", true));
  return files;
}

ByteImages load_mnist(const fs::path& directory, PartSizes sizes) {
  const Index n = sizes.num_train + sizes.num_test;
  ByteImages images{{n, side, side, 1}, Bytes(static_cast<std::size_t>(n * side * side)), std::vector<int>(static_cast<std::size_t>(n))};
  if (sizes.num_train) load_part(training_part(directory), sizes.num_train, 0, images);
  if (sizes.num_test) load_part(test_part(directory), sizes.num_test, sizes.num_train, images);
  return images;
}

}  // namespace tangentplane::data
