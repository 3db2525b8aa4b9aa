# The operator's image: one static program and its licence. The program is the init container of database pods too.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The target is named so that macros, which run here, are not made static too.
RUN target="$(uname -m)-unknown-linux-gnu" \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target "$target" --package aerospike-operator --bin aerospike-operator \
    && cp "target/$target/release/aerospike-operator" aerospike-operator

FROM scratch
COPY --from=build /src/aerospike-operator /manager
COPY LICENSE /licenses/LICENSE
ENTRYPOINT ["/manager"]
