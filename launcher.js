#!/usr/bin/env node
// The entry point of the bundle, dist/drypull.mjs. It says so where Node.js is too old for dist/main.mjs, which old versions
// cannot even parse. So this file has no syntax that is newer than ES2015, but for import().
var version = process.versions.node.split('.').map(Number);
var isSupported = version[0] >= 24 || (version[0] === 22 && version[1] >= 19);

if (isSupported) {
  import('./main.mjs');
} else {
  process.stderr.write(
    'drypull needs Node.js 22.19 or later, or 24 or later; this is ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ')\n',
  );
  process.exitCode = 2;
}
