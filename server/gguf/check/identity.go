package check

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// Samples of a part's tensor data that its identity is made from.
const (
	samples     = 64
	sampleBytes = 4 << 10
)

// Identity returns a text that is the same for the same model wherever it lies
// and whatever it is called: a hash over each part's size, everything before
// its tensor data, and samples spread evenly over that data. Reading all of it
// would take as long as loading; what differs between two models of one header
// and size, other weights, differs everywhere.
func (m *Model) Identity() (string, error) {
	sum := sha256.New()
	for _, p := range m.Parts {
		if err := p.hash(sum); err != nil {
			return "", fmt.Errorf("check %s: %w", p.Path, err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (p *Part) hash(sum hash.Hash) error {
	sum.Write(binary.LittleEndian.AppendUint64(nil, uint64(p.SizeBytes)))
	begin := min(p.File.DataOffsetBytes, p.SizeBytes)
	if _, err := io.Copy(sum, io.NewSectionReader(p.Disk, 0, begin)); err != nil {
		return err
	}
	step := max((p.SizeBytes-begin-sampleBytes)/(samples-1), sampleBytes)
	for at := begin; at < p.SizeBytes; at += step {
		if _, err := io.Copy(sum, io.NewSectionReader(p.Disk, at, sampleBytes)); err != nil {
			return err
		}
	}
	return nil
}
