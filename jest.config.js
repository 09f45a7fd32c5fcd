// The tests run compiled (npm run build first), as native ES modules: no transform stands between them and the program.
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/dist/test'],
  globalSetup: '<rootDir>/dist/test/lab/global-setup.js',
  globalTeardown: '<rootDir>/dist/test/lab/global-teardown.js',
  testMatch: ['**/*.test.js'],
  transform: {},
  maxWorkers: 2,
  // Machines are slow at times; a test that hangs still ends.
  testTimeout: 60_000,
  workerIdleMemoryLimit: '1GB',
}
