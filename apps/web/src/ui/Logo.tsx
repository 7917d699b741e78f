/** The mark: a stool cut back to the ground, and the shoots that grow from it. */
export function Logo({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden className="shrink-0 text-accent">
      <path d="M5 20.5c0-2.2 3.1-3.5 7-3.5s7 1.3 7 3.5" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
      <path d="M12 17V8M8.2 17.4 6.5 9.5M15.8 17.4l1.7-7.9" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />
      <path d="M12 8.4C9.9 7.2 9.6 4.6 12 2.5c2.4 2.1 2.1 4.7 0 5.9Z" fill="currentColor" />
      <path
        d="M6.4 9.6C4.5 9 3.6 7.2 4.6 5c2 .6 2.8 2.6 1.8 4.6ZM17.6 9.6c1.9-.6 2.8-2.4 1.8-4.6-2 .6-2.8 2.6-1.8 4.6Z"
        fill="currentColor"
        opacity=".75"
      />
    </svg>
  );
}
