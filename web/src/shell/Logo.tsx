// The mark: a seal with a C.
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" className="logo">
      <path
        className="logo-seal"
        d="M16 1.5l3 2.3 3.7-.8 1.8 3.3 3.7.7.1 3.8 2.9 2.5-1.5 3.4 1.5 3.5-2.9 2.4-.1 3.8-3.7.8-1.8 3.3-3.7-.8-3 2.3-3-2.3-3.7.8-1.8-3.3-3.7-.8-.1-3.8L1 20.2l1.5-3.5L1 13.3l2.9-2.5.1-3.8 3.7-.7 1.8-3.3 3.7.8z"
      />
      <path
        className="logo-letter"
        fill="none"
        strokeWidth="2.6"
        strokeLinecap="round"
        d="M20.8 12.2a6 6 0 1 0 0 7.6"
      />
    </svg>
  );
}
