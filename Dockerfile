# One image for every process: neurocards (bot, controller, migrate, admin) and neurocards-runner (generate, deliver).
# It runs as a user without a name, with a read-only root, and needs no shell.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY dev/guard.mjs dev/guard.mjs
COPY dev/bundle dev/bundle
COPY migrations migrations
COPY src src
RUN npm run build -- --native \
 && mkdir dist/bin \
 && ln -s ../main.mjs dist/bin/neurocards \
 && ln -s ../runner.mjs dist/bin/neurocards-runner

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Neurocards" \
      org.opencontainers.image.description="A Telegram bot that turns a product photo into a short video ad, run by a Kubernetes operator." \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    PATH=/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY --from=build /build/dist /app
COPY LICENSE /app/LICENSE
WORKDIR /app
USER 65532:65532
CMD ["neurocards", "--help"]
