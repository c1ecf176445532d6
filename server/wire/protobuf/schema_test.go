package protobuf

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// What is generated is of the schema as it is.
func TestGeneratedIsTheSchema(t *testing.T) {
	protoc, err := exec.LookPath("protoc")
	if err != nil {
		t.Skipf("not supported here: %v (Debian: apt-get install protobuf-compiler)", err)
	}
	out := filepath.Join(t.TempDir(), "descriptor")
	if message, err := exec.Command(protoc, "-I", ".", "--descriptor_set_out="+out, "weir.proto").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
	encoded, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(encoded, &set); err != nil || len(set.File) != 1 {
		t.Fatalf("%d files, %v", len(set.File), err)
	}
	if generated := protodesc.ToFileDescriptorProto(weirv1.File_weir_proto); !proto.Equal(generated, set.File[0]) {
		t.Error("weirv1 is of another schema: run make proto")
	}
}

// Both halves of what is generated write and read the same.
func TestGeneratedHalvesAgree(t *testing.T) {
	for _, r := range []*weirv1.GenerateRequest{everything(), {}} {
		ours, err := r.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for name, encoded := range map[string][]byte{"vtprotobuf": ours, "protobuf": theirs} {
			var byOurs, byTheirs weirv1.GenerateRequest
			if err := byOurs.UnmarshalVT(encoded); err != nil || !proto.Equal(&byOurs, r) {
				t.Errorf("%s read by vtprotobuf: %v, %v", name, &byOurs, err)
			}
			if err := proto.Unmarshal(encoded, &byTheirs); err != nil || !proto.Equal(&byTheirs, r) {
				t.Errorf("%s read by protobuf: %v, %v", name, &byTheirs, err)
			}
		}
	}
}
