package network

import "math"

// reference computes a batch's loss in float64, as the architecture is written
// down: one row after the other, nothing shared with the package.
type reference struct {
	Shape
	tensors map[string][]float64
}

func newReference(n *Network) *reference {
	r := &reference{n.shape, map[string][]float64{}}
	for _, m := range n.Tensors() {
		data := make([]float64, len(m.data))
		for i, v := range m.data {
			data[i] = float64(v)
		}
		r.tensors[m.Name] = data
	}
	return r
}

func apply(matrix, x []float64) []float64 {
	y := make([]float64, len(matrix)/len(x))
	for i := range y {
		for j, v := range x {
			y[i] += matrix[i*len(x)+j] * v
		}
	}
	return y
}

func (r *reference) norm(gain string, x []float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / math.Sqrt(sum/float64(len(x))+NormEpsilon) * r.tensors[gain][i]
	}
	return y
}

func (r *reference) rotate(x []float64, pos int) {
	size := r.HeadSize()
	for i := 0; i < len(x); i += 2 {
		angle := float64(pos) * math.Pow(RotaryBase, -float64(i%size)/float64(size))
		sin, cos := math.Sincos(angle)
		x[i], x[i+1] = x[i]*cos-x[i+1]*sin, x[i]*sin+x[i+1]*cos
	}
}

func softmax(x []float64) []float64 {
	y, sum := make([]float64, len(x)), 0.0
	for i, v := range x {
		y[i] = math.Exp(v)
		sum += y[i]
	}
	for i := range y {
		y[i] /= sum
	}
	return y
}

func (r *reference) attention(queries, keys, values [][]float64, t int) []float64 {
	size := r.HeadSize()
	out := make([]float64, r.Embedding)
	for h := range r.Heads {
		kv := h / (r.Heads / r.HeadsKV)
		scores := make([]float64, t+1)
		for u := range scores {
			for i := range size {
				scores[u] += queries[t][h*size+i] * keys[u][kv*size+i] / math.Sqrt(float64(size))
			}
		}
		for u, share := range softmax(scores) {
			for i := range size {
				out[h*size+i] += share * values[u][kv*size+i]
			}
		}
	}
	return out
}

func (r *reference) layer(name string, x [][]float64) {
	tensor := func(part string) []float64 { return r.tensors[name+part+".weight"] }
	var queries, keys, values [][]float64
	for t := range x {
		in := r.norm(name+"attn_norm.weight", x[t])
		q, k := apply(tensor("attn_q"), in), apply(tensor("attn_k"), in)
		r.rotate(q, t)
		r.rotate(k, t)
		queries, keys, values = append(queries, q), append(keys, k), append(values, apply(tensor("attn_v"), in))
	}
	for t := range x {
		for i, v := range apply(tensor("attn_output"), r.attention(queries, keys, values, t)) {
			x[t][i] += v
		}
		in := r.norm(name+"ffn_norm.weight", x[t])
		gate, up := apply(tensor("ffn_gate"), in), apply(tensor("ffn_up"), in)
		for i, g := range gate {
			up[i] *= g / (1 + math.Exp(-g))
		}
		for i, v := range apply(tensor("ffn_down"), up) {
			x[t][i] += v
		}
	}
}

// loss returns the sum of all losses of a batch.
func (r *reference) loss(b *Batch) float64 {
	sum := 0.0
	for i := range b.Ends {
		from, to := b.sequence(i)
		var x [][]float64
		for _, token := range b.Tokens[from:to] {
			x = append(x, append([]float64(nil), r.tensors["token_embd.weight"][int(token)*r.Embedding:][:r.Embedding]...))
		}
		for l := range r.Layers {
			r.layer("blk."+string(rune('0'+l))+".", x)
		}
		for t, target := range b.Targets[from:to] {
			if target >= 0 {
				logits := apply(r.tensors["token_embd.weight"], r.norm("output_norm.weight", x[t]))
				sum -= math.Log(softmax(logits)[target])
			}
		}
	}
	return sum
}
