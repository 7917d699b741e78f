/** How far something is, 0 to 100; without a figure it only shows that something goes on. */
export function ProgressBar({ percent, label }: { percent: number | null; label: string }) {
  const known = percent === null ? {} : { 'aria-valuenow': Math.round(percent) };
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...known}
      className="h-1.5 overflow-hidden rounded-full bg-line"
    >
      <div
        className={`h-full rounded-full bg-busy transition-[width] duration-300 ${percent === null ? 'w-full animate-breathe' : ''}`}
        style={percent === null ? undefined : { width: `${Math.min(100, Math.max(0, percent))}%` }}
      />
    </div>
  );
}
