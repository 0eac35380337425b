# Two bases, both by name and digest, so that a mirror or a base of your own can replace them: one with Node.js 24 and npm, one with
# little more than a C++ runtime. Nothing runs in the last step, so any architecture is built on any other.
# scripts/pin-base-images.sh writes the digests that the tags have now.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
ARG FINAL_IMAGE=gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f

# The bundle is the same on every architecture.
FROM --platform=${BUILDPLATFORM} ${BUILD_IMAGE} AS bundle
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY bundle.js launcher.js ./
COPY scripts/build-info.ts scripts/bundled.ts scripts/
COPY src src
ARG REVISION=unknown
ARG SOURCE_DATE_EPOCH=0
RUN DRYPULL_COMMIT=${REVISION} SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} node bundle.js

FROM ${BUILD_IMAGE} AS node

FROM ${FINAL_IMAGE}
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="drypull" \
      org.opencontainers.image.description="Rehearses the image pulls of a Kubernetes node and says what the kubelet would get" \
      org.opencontainers.image.source="https://github.com/drypull/drypull" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=bundle /src/dist /drypull
COPY LICENSE /drypull/
USER 65532:65532
EXPOSE 9467
# Memory is paid on every node, and the agent waits for networks, not for its processor: no optimising compilers, a small young
# generation, and a limit of the heap below the container's. bench/daemon.ts measures with the same flags.
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=1", "--max-old-space-size=128", "--no-opt", "--no-maglev", "--no-sparkplug", "--liftoff-only", "--expose-gc", "/drypull/drypull.mjs"]
CMD ["agent"]
