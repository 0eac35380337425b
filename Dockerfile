# Two bases, both by name, so that a mirror or a base of one's own can stand in for them: one with Node 24 and npm, one with
# little more than a C++ runtime. Nothing runs in the final stage, so any architecture is built on any other.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim
ARG FINAL_IMAGE=gcr.io/distroless/cc-debian12:nonroot

# The bundle is the same on every architecture.
FROM --platform=${BUILDPLATFORM} ${BUILD_IMAGE} AS bundle
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY bundle.js ./
COPY src src
RUN node bundle.js

FROM ${BUILD_IMAGE} AS node

FROM ${FINAL_IMAGE}
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="drypull" \
      org.opencontainers.image.description="Rehearses the image pulls of a Kubernetes node and says what the kubelet would get" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=bundle /src/dist /drypull
USER 65532:65532
EXPOSE 9467
# Memory is paid on every node, and the agent waits for networks, not for its processor: no optimising compilers, one arena,
# a small young generation, and an end of the old one before the container's limit. bench/daemon.ts measures with the same.
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=1", "--max-old-space-size=128", "--no-opt", "--no-maglev", "--no-sparkplug", "--liftoff-only", "--single-threaded", "--optimize-for-size", "--memory-reducer-favors-memory", "--expose-gc", "/drypull/drypull.mjs"]
CMD ["agent"]
