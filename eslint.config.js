import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const CHILD_PROCESS = '^(node:)?child_process$';
const CHILD_PROCESS_MESSAGE = 'Only lifecycle/ManagedProcess.ts starts processes: it also sees to it that they end.';

export default defineConfig(
  globalIgnores(['**/node_modules', '**/dist', '**/*.d.ts', 'out', '.cache', 'examples/vendor', 'examples/assets']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': [
        'error',
        // The test runner waits for these by itself.
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite', 'before', 'after'] },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // An abort's reason and the first error are passed on as they are, whatever they are.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      // It takes what one check has shown for true across an await: `signal.aborted` asked twice.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Indexed access is checked (noUncheckedIndexedAccess): `!` says that the index is known to be right.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // There are no enums, and looking for them takes a sixth of the time.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      // `void | Promise<void>` is what a callback may return.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // RenderOrchestrator is a class of static functions: a name that callers know. An empty error class is a kind.
      '@typescript-eslint/no-extraneous-class': ['error', { allowStaticOnly: true, allowEmpty: true }],
      // `async` without `await` turns a throw into a rejection.
      '@typescript-eslint/require-await': 'off',
    },
  },

  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['packages/renderer/src/lifecycle/ManagedProcess.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ regex: CHILD_PROCESS, message: CHILD_PROCESS_MESSAGE, allowTypeImports: true }] },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: `ImportExpression[source.value=/${CHILD_PROCESS}/]`, message: CHILD_PROCESS_MESSAGE },
        { selector: `CallExpression > Literal[value=/${CHILD_PROCESS}/]`, message: CHILD_PROCESS_MESSAGE },
      ],
    },
  },

  {
    files: ['packages/renderer/src/**/*.ts'],
    rules: { 'no-console': 'error' },
  },

  {
    // The page's own functions are kept before others take their place.
    files: ['packages/renderer/src/page/**/*.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },

  {
    files: ['packages/*/tests/**/*.ts', 'examples/tests/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // A test reads JSON and knows what it holds; a wrong guess fails it.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },

  {
    files: ['**/*.js', '**/*.mjs'],
    rules: {
      eqeqeq: 'error',
      'no-const-assign': 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      'no-dupe-keys': 'error',
      'no-empty': ['error', { allowEmptyCatch: true }],
      'no-fallthrough': 'error',
      'no-redeclare': 'error',
      'no-self-assign': 'error',
      'no-unreachable': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    // What Node gives, so that a misspelt name is seen.
    files: ['*.js', 'scripts/**/*.mjs', 'packages/*/bin/**/*.js', 'examples/tests/**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly'])),
    },
    rules: { 'no-undef': 'error' },
  },
);
