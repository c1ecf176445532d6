// Package tamper makes model files with something wrong in them, for tests of
// what stands between a file and the engine library.
//
//	path := tamper.Write(t, func(m *tamper.Model) { m.Set("llama.block_count", uint32(513)) })
//
// The model is the tiny seeded one, which is sound.
package tamper
