// Bytes that are 1 or 0, one for each number.

template <class T> struct Flags;  // a byte for each number of a vector
template <> struct Flags<float> {
    typedef int8_t Bytes __attribute__((vector_size(BYTES / 4)));
};
template <> struct Flags<double> {
    typedef int8_t Bytes __attribute__((vector_size(BYTES / 8)));
};

// -1 where `flags`, k <= N of them, are true.
template <class T> inline I<T> where(const void *flags, int k) {
    typename Flags<T>::Bytes bytes = {};
    if (k == N<T>)
        __builtin_memcpy(&bytes, flags, N<T>);
    else
        for (int i = 0; i < k; i++) bytes[i] = static_cast<const int8_t *>(flags)[i];
    return __builtin_convertvector(bytes, I<T>) != splat_int<T>(0);
}

// The other way round.
template <class T> inline void put_flags(uint8_t *flags, I<T> mask, int k) {
    const auto bytes = __builtin_convertvector(mask & 1, typename Flags<T>::Bytes);
    if (k == N<T>)
        __builtin_memcpy(flags, &bytes, N<T>);
    else
        for (int i = 0; i < k; i++) flags[i] = uint8_t(bytes[i]);
}
