#include "data/npz.h"

#include <zip.h>

#include <array>
#include <memory>
#include <set>
#include <stdexcept>

#include "autodiff/check.h"
#include "data/files.h"
#include "data/npy.h"

namespace tangentplane::data {
namespace fs = std::filesystem;
namespace {

constexpr zip_uint16_t first_of_january_1980 = 1 << 5 | 1;  // DOS date: year since 1980, month, day; numpy writes the same

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;

std::string message(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

/// Opens an entry and hands its bytes to `read`, which must take them all.
template <class Read>
auto read_entry(zip_t* archive, zip_uint64_t index, const std::string& name, const Read& read) {
  zip_stat_t stat;
  require(zip_stat_index(archive, index, 0, &stat) == 0 && (stat.valid & ZIP_STAT_SIZE), "{}: is damaged: {}", name, zip_strerror(archive));
  const Entry entry(zip_fopen_index(archive, index, 0));
  require(entry != nullptr, "{}: cannot be read: {}", name, zip_strerror(archive));
  const auto pull = [&](void* to, std::size_t bytes) {
    const zip_int64_t n = zip_fread(entry.get(), to, bytes);
    require(n >= 0, "{}: is damaged: {}", name, zip_file_strerror(entry.get()));
    return static_cast<std::size_t>(n);
  };
  ByteSource source(name, stat.size, pull);
  auto result = read(source);
  char beyond;
  require(source.left() > 0 || pull(&beyond, 1) == 0, "{}: is damaged: longer than the archive says",
          name);  // libzip compares checksums at the end
  return result;
}

void require_names(const fs::path& path, const std::set<std::string>& seen, const std::string& name) {
  require(!name.empty(), "{}: an array without a name", path.string());
  require(!seen.contains(name), "{}: two arrays named {}", path.string(), name);
}

/// f(name, entry) for each entry in the archive's order; entry(read) opens it.
template <class F>
void for_entries(const fs::path& path, const F& f) {
  ByteSource::file(path);  // a missing file or a folder is named as such
  int code = 0;
  const Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  require(archive != nullptr, "{}: is no .npz archive or is damaged: {}", path.string(), message(code));
  std::set<std::string> seen;
  for (zip_int64_t i = 0, n = zip_get_num_entries(archive.get(), 0); i < n; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    const char* raw = zip_get_name(archive.get(), index, ZIP_FL_ENC_UTF_8);
    require(raw != nullptr, "{}: is damaged: {}", path.string(), zip_strerror(archive.get()));
    std::string name = raw;
    require(name.ends_with(".npy"), "{}: entry {} is not a .npy file", path.string(), name);
    name.resize(name.size() - 4);
    require_names(path, seen, name);
    seen.insert(name);
    f(name, [&](const auto& read) { return read_entry(archive.get(), index, fmt::format("{}: {}", path.string(), name), read); });
  }
}

}  // namespace

template <class S>
NamedTensors<S> load_npz(const fs::path& path) {
  NamedTensors<S> tensors;
  for_entries(path, [&](const std::string& name, const auto& entry) {
    tensors.emplace_back(name, entry([](ByteSource& source) { return read_npy<S>(source, NpyTypes::integers); }));
  });
  return tensors;
}

std::vector<std::pair<std::string, NpyInfo>> npz_infos(const fs::path& path) {
  std::vector<std::pair<std::string, NpyInfo>> infos;
  for_entries(path, [&](const std::string& name, const auto& entry) { infos.emplace_back(name, entry(read_npy_header)); });
  return infos;
}

template <class S>
void save_npz(const fs::path& path, const NamedTensors<S>& tensors, const NamedTensors<float>& single) {
  struct Array {
    std::string name, header;
    const void* numbers;
    std::size_t bytes;
  };
  std::vector<Array> arrays;  // libzip reads headers and numbers where they are, when the archive is closed
  std::set<std::string> seen;
  const auto append = [&]<class U>(const NamedTensors<U>& list) {
    for (const auto& [name, tensor] : list) {
      require_names(path, seen, name);
      seen.insert(name);
      arrays.push_back(
          {name, npy_header(npy_descr<U>(), tensor.shape()), tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(U)});
    }
  };
  append(tensors);
  append(single);
  require(!arrays.empty(), "{}: no arrays to save", path.string());  // libzip writes no empty archive
  replace_atomically(path, [&](const fs::path& temporary) {
    const auto check = [&](bool ok, zip_t* archive) {
      if (!ok) throw std::runtime_error(fmt::format("cannot write {}: {}", path.string(), zip_strerror(archive)));
    };
    int code = 0;
    Archive archive(zip_open(temporary.c_str(), ZIP_CREATE | ZIP_EXCL, &code));
    if (!archive) throw std::runtime_error(fmt::format("cannot write {}: {}", path.string(), message(code)));
    for (Array& array : arrays) {
      std::array<zip_buffer_fragment_t, 2> parts{};
      parts[0].data = reinterpret_cast<zip_uint8_t*>(array.header.data());
      parts[0].length = array.header.size();
      parts[1].data = static_cast<zip_uint8_t*>(const_cast<void*>(array.numbers));  // read only: nothing is freed or written
      parts[1].length = array.bytes;
      zip_source_t* source = zip_source_buffer_fragment(archive.get(), parts.data(), array.bytes == 0 ? 1 : 2, 0);
      check(source != nullptr, archive.get());
      const zip_int64_t index = zip_file_add(archive.get(), (array.name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
      if (index < 0) zip_source_free(source);
      check(index >= 0, archive.get());
      const auto i = static_cast<zip_uint64_t>(index);
      check(zip_set_file_compression(archive.get(), i, ZIP_CM_STORE, 0) == 0, archive.get());
      check(zip_file_set_dostime(archive.get(), i, 0, first_of_january_1980, 0) == 0, archive.get());
    }
    check(zip_close(archive.get()) == 0, archive.get());
    static_cast<void>(archive.release());  // closed
  });
}

template NamedTensors<float> load_npz<float>(const fs::path&);
template NamedTensors<double> load_npz<double>(const fs::path&);
template void save_npz<float>(const fs::path&, const NamedTensors<float>&, const NamedTensors<float>&);
template void save_npz<double>(const fs::path&, const NamedTensors<double>&, const NamedTensors<float>&);

}  // namespace tangentplane::data
