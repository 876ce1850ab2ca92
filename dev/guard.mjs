// Runs before any TypeScript is loaded: an older Node stops on a .ts file with a loader error that names no remedy.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  console.error(
    `neurocards needs Node 24.11 or later and this is ${process.versions.node}. ` +
      'Run it through npm (for example: npm run demo), which uses the Node that npm ci installed into node_modules, ' +
      'or install Node 24.',
  );
  process.exit(1);
}
