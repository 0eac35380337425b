import tseslint from 'typescript-eslint';

/** Words of the first design that the field has better ones for (src/README.md, "Words"): no part of an identifier. */
const retiredWords = [
  ...[
    'room',
    'courtyard',
    'stairs',
    'door',
    'doors',
    'house',
    'performance',
    'performances',
    'scene',
    'tell',
    'tells',
    'teller',
  ],
  ...[
    'told',
    'say',
    'says',
    'words',
    'look',
    'looks',
    'looking',
    'sight',
    'sights',
    'ears',
    'outside',
    'surroundings',
    'footing',
  ],
  ...[
    'ground',
    'way',
    'ways',
    'wish',
    'wishes',
    'lane',
    'lanes',
    'purse',
    'turn',
    'turns',
    'moment',
    'knock',
    'knocks',
    'hop',
    'hops',
  ],
  ...[
    'greeting',
    'shake',
    'foretold',
    'foretell',
    'foresee',
    'foreseen',
    'foresight',
    'outlook',
    'past',
    'mend',
    'mends',
    'mended',
  ],
  ...['anew', 'nobody', 'whoever', 'sure', 'sureness', 'wanter'],
];
const capitalised = retiredWords.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
const retired = `/^#?(${retiredWords.join('|')}|wantedBy)(?![a-z])|(${capitalised.join('|')})(?![a-z])/`;

const everywhere = [
  {
    // The clock of the platform is called `performance` too.
    selector: `:matches(Identifier, PrivateIdentifier)[name=${retired}]:not(MemberExpression[property.name="now"] > Identifier.object)`,
    message: 'A retired word: use the term that the field has (src/README.md, "Words").',
  },
  {
    selector: 'ObjectPattern > Property[key.name="reveal"]',
    message: 'Do not take `reveal` out of a Secret: call it where the value is sent.',
  },
  {
    selector: 'ImportDeclaration[specifiers.length=0]',
    message: 'A module is imported for what it exports, not for what it does when it is loaded.',
  },
];

const revealing = {
  selector: 'MemberExpression[property.name="reveal"]',
  message:
    'A Secret is revealed in the one place that sends it or derives a key from it (eslint.config.js lists them).',
};

const clocks = [
  { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'Pure: take the time as an argument.' },
  { selector: 'CallExpression[callee.name="Date"]', message: 'Pure: take the time as an argument.' },
];

const pureFiles = [
  'src/{go,data,image,kubelet,report,forecast,budget}/**/*.ts',
  'src/runtime/*.ts',
  'src/runtime/{containerd,crio,docker}/*.ts',
  'src/node/view.ts',
];

/** The places that send a secret, or hash it to recognise it. */
const revealingFiles = [
  'src/report/secret.ts',
  'src/go/http-proxy.ts',
  'src/kubelet/{credential-lifetime,keyring}.ts',
  'src/kubernetes/manifests/{demand-key,write-manifests}.ts',
  'src/registry/http/connections.ts',
  'src/registry/tcp/{proxy-tunnel,socks}.ts',
  'src/registry/tls/trust.ts',
  'src/registry/token/fetch-token.ts',
];

const impureGlobals = ['fetch', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'];
const noProcess = { name: 'process', message: 'Only main.ts knows the process: take what you need as an argument.' };

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'docs/.vitepress/', '.stryker-tmp/', 'reports/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { requireDefaultForNonUnion: true, considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'vi', property: 'mock', message: 'The seams are an address, a directory and a clock: use the kit.' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/main.ts'],
    rules: { 'no-restricted-globals': ['error', noProcess] },
  },
  { files: ['src/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...everywhere, revealing] } },
  { files: revealingFiles, rules: { 'no-restricted-syntax': ['error', ...everywhere] } },
  {
    files: pureFiles,
    ignores: ['src/runtime/{runtime,runtimes}.ts', 'src/runtime/*/runtime.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        noProcess,
        ...impureGlobals.map((name) => ({ name, message: 'Pure: no clock, no timer, no network.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Pure: take the time as an argument.' },
        { object: 'Math', property: 'random', message: 'Pure: take the random number as an argument.' },
      ],
      'no-restricted-syntax': ['error', ...everywhere, ...clocks, revealing],
    },
  },
  {
    files: revealingFiles.filter((path) => /^src\/(report|go|kubelet)\//.test(path)),
    rules: { 'no-restricted-syntax': ['error', ...everywhere, ...clocks] },
  },
  { files: ['**/*.js', '**/*.cjs'], extends: [tseslint.configs.disableTypeChecked], rules: { 'no-undef': 'off' } },
);
