#include "tests/experiments/hostile/archives.h"

#include <zip.h>
#include <zlib.h>

#include <memory>
#include <stdexcept>

namespace tangentplane::experiments::hostile {
namespace {

// 15: the largest window; 16 more: gzip around it; negative: nothing around it.
std::string compressed(const std::string& bytes, int window) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("deflateInit2");
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 64, '\0');
  std::string in = bytes;  // zlib's interface is not const
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int end = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (end != Z_STREAM_END) throw std::runtime_error("deflate");
  return out;
}

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

}  // namespace

std::string gzipped(const std::string& bytes) { return compressed(bytes, 15 + 16); }

std::string unzipped(const std::string& bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::runtime_error("inflateInit2");
  std::string in = bytes, out(std::size_t{1} << 20, '\0');  // more than any file that is broken here
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int end = inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  if (end != Z_STREAM_END) throw std::runtime_error("inflate");
  return out;
}

std::string zip_of(const Entries& entries, Packing packing, bool zip64, int method) {
  const std::uint64_t wide = 0xffffffff, version = zip64 ? 45 : 20;
  std::string out, directory;
  for (const auto& [name, content] : entries) {
    const std::string packed = packing == Packing::deflated ? compressed(content, -15) : content;
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
    const std::size_t start = out.size();
    std::string middle;  // what both headers share
    put(middle, 0, 2);
    put(middle, method >= 0 ? static_cast<std::uint64_t>(method) : static_cast<std::uint64_t>(packing), 2);
    put(middle, 0, 2);
    put(middle, 1 << 5 | 1, 2);  // 1 January 1980
    put(middle, crc, 4);
    put(middle, zip64 ? wide : packed.size(), 4);
    put(middle, zip64 ? wide : content.size(), 4);
    put(middle, name.size(), 2);
    std::string sizes;
    if (zip64) {
      put(sizes, 1, 2);
      put(sizes, 16, 2);
      put(sizes, content.size(), 8);
      put(sizes, packed.size(), 8);
    }
    out += "PK\x03\x04";
    put(out, version, 2);
    out += middle;
    put(out, sizes.size(), 2);
    out += name + sizes + packed;
    directory += "PK\x01\x02";
    put(directory, version, 2);
    put(directory, version, 2);
    directory += middle;
    put(directory, sizes.size(), 2);
    put(directory, 0, 2 + 2 + 2 + 4);  // comment, disk, attributes
    put(directory, start, 4);
    directory += name + sizes;
  }
  const std::size_t at = out.size();
  out += directory + "PK\x05\x06";
  put(out, 0, 4);
  put(out, entries.size(), 2);
  put(out, entries.size(), 2);
  put(out, directory.size(), 4);
  put(out, at, 4);
  put(out, 0, 2);
  return out;
}

Entries entries_of(const std::string& archive) {
  zip_error_t error{};
  zip_source_t* source = zip_source_buffer_create(archive.data(), archive.size(), 0, &error);
  zip_t* opened = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : nullptr;
  if (!opened) throw std::runtime_error("an archive that libzip does not read");
  const std::unique_ptr<zip_t, void (*)(zip_t*)> closing(opened, [](zip_t* z) { zip_discard(z); });
  Entries entries;
  for (zip_int64_t i = 0; i < zip_get_num_entries(opened, 0); ++i) {
    zip_stat_t stat{};
    zip_file_t* file = zip_stat_index(opened, static_cast<zip_uint64_t>(i), 0, &stat) == 0
                           ? zip_fopen_index(opened, static_cast<zip_uint64_t>(i), 0)
                           : nullptr;
    if (!file) throw std::runtime_error("an entry that libzip does not read");
    std::string content(stat.size, '\0');
    const zip_int64_t got = zip_fread(file, content.data(), content.size());
    zip_fclose(file);
    if (got != static_cast<zip_int64_t>(content.size())) throw std::runtime_error("an entry that libzip does not read");
    entries.emplace_back(stat.name, content);
  }
  return entries;
}

}  // namespace tangentplane::experiments::hostile
