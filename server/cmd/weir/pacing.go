package main

import "fmt"

// pacingOptions are the flags that say what prompts may take of a step, beside
// --tpot-ms.
type pacingOptions struct {
	prefillTokens int     // 0: the default of package batch
	promptShare   float64 // in percent
}

// define adds the flags.
func (p *pacingOptions) define(f *flagSet) {
	f.whole(&p.prefillTokens, "prefill-tokens", "N", "prompt tokens of a step at most while others decode, unless there is an objective; default 128")
	f.number(&p.promptShare, "prompt-share", "PERCENT", "of a step's time that prompts keep at least, whatever clients want by x-slo-tpot-ms; 0: a token a step; default 25")
}

// defaultPacing is that of package batch.
func defaultPacing() pacingOptions { return pacingOptions{promptShare: 25} }

// check reports the first flag out of range.
func (p *pacingOptions) check() error {
	const mostTokens, mostPercent = 1 << 20, 90 // as package batch has them
	if p.prefillTokens < 0 || p.prefillTokens > mostTokens {
		return fmt.Errorf("serve: --prefill-tokens is %d: give a number from 1 to %d, or 0 for the default", p.prefillTokens, mostTokens)
	}
	if !(p.promptShare >= 0 && p.promptShare <= mostPercent) {
		return fmt.Errorf("serve: --prompt-share is %v: give a number from 0 to %v", p.promptShare, mostPercent)
	}
	return nil
}

// share is the part of a step as package batch takes it.
func (p *pacingOptions) share() float64 {
	if p.promptShare == 0 {
		return -1 // its 0 is the default
	}
	return p.promptShare / 100
}
