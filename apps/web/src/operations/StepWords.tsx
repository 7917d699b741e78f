import { sayLayers } from './plan-words';

type Step = { description: string; volume?: { target?: string | null | undefined } | null | undefined };

/** What a step does, in words; the volume before it where neither the words nor what stands around them name it. */
export function StepWords({ step, isVolumeKnown = false }: { step: Step; isVolumeKnown?: boolean }) {
  const words = sayLayers(step.description);
  const target = step.volume?.target ?? null;
  const isNamed = isVolumeKnown || target === null || step.description.includes(target);
  return (
    <span title={words === step.description ? undefined : step.description}>
      {!isNamed && <span className="mr-1.5 font-mono text-[12.5px] font-medium">{target}</span>}
      {words}
    </span>
  );
}
