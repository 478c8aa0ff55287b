// The recommended rules, for what runs in browsers and for its tests. `make check` runs them.
import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['console/static/vendor/', 'templates/', '.venv/', 'var/', 'build/', 'dist/'] },
  js.configs.recommended,
  { files: ['console/static/**/*.js'], languageOptions: { globals: globals.browser } },
  { files: ['tests/js/**/*.js', 'eslint.config.js'], languageOptions: { globals: globals.nodeBuiltin } },
];
