// What the app knows of the server, kept for all pages.

import { QueryClient } from '@tanstack/react-query'
import { Refusal } from './api'

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server refused stays refused; what it did not hear is asked again.
      retry: (count, error) => count < 3 && !(error instanceof Refusal && error.status >= 400 && error.status < 500),
    },
  },
})
