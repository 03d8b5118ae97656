import { defineConfig } from '@hey-api/openapi-ts'

// The description comes from our own routes: `scripts/openapi` writes it, nothing here knows a route by hand.
export default defineConfig({
  input: './openapi.json',
  output: { path: 'src/client', postProcess: [] },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
})
