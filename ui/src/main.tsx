// Where the app begins.

import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './app.css'
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { setNonce } from 'get-nonce'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { router } from './app/router'
import { queries } from './logic/queries'
import { theme, variables } from './theme'

// The browser runs no style of unknown origin: Mantine's own comes under the number of this page.
const nonce = () => document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? ''
// What keeps the page still behind a dialogue asks for it here.
setNonce(nonce())

const app = document.getElementById('app')
if (app) {
  createRoot(app).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={variables}
        defaultColorScheme="auto"
        colorSchemeManager={localStorageColorSchemeManager({ key: 'daypass.colours' })}
        getStyleNonce={nonce}
      >
        <Notifications position="top-right" />
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
}
