/** Tailwind 4 reads its theme from src/app/globals.css. */
const config = { plugins: { '@tailwindcss/postcss': {} } };

export default config;
