/** The visitor's choice of colours; `system` follows prefers-color-scheme. */
export type Theme = 'system' | 'light' | 'dark';

/** The cookie that keeps it. */
export const THEME_COOKIE = 'coppice-theme';

/** Whether a cookie's or a menu's value is a choice that we know. */
export function isTheme(value: string | undefined): value is Theme {
  return value === 'system' || value === 'light' || value === 'dark';
}

/** The choice in a request's cookies; `system` where there is none. */
export function readTheme(cookies: { get(name: string): { value: string } | undefined }): Theme {
  const value = cookies.get(THEME_COOKIE)?.value;
  return isTheme(value) ? value : 'system';
}
