package sharing

import "time"

// An Instance is a machine, owned by the account that launched it, whose system disk was made from one image. A value
// returned by the engine belongs to the caller.
type Instance struct {
	ID     InstanceID
	Owner  AccountID
	Region Region
	// Image is the image that the system disk was made from. It stays recorded after an unshare or delete (R7).
	Image ImageID
	// DiskGeneration is 1 at launch. Each [Engine.Reinit] and each [Engine.ReplaceDisk] adds one.
	DiskGeneration int64
	Labels         map[string]string `json:",omitzero"`
	LaunchedAt     time.Time
}

// A LaunchSpec describes the instance that [Engine.Launch] makes.
type LaunchSpec struct {
	Image ImageID
	// Region is where the instance is to run. It must be the image's region (R4).
	Region Region
	// ExpectDigest, if not empty, is the content digest that the image must have (R11).
	ExpectDigest string
	// Labels may have up to 64 entries, with keys of up to 128 bytes and values of up to 256.
	Labels map[string]string
}

func (s LaunchSpec) validate() error {
	return firstError(s.Image.Validate(), s.Region.Validate(), validExpected(s.ExpectDigest), validLabels(s.Labels))
}

// A DiskSpec describes the system disk that [Engine.ReplaceDisk] gives an instance.
type DiskSpec struct {
	Image ImageID
	// ExpectDigest, if not empty, is the content digest that the image must have (R11).
	ExpectDigest string
}

func (s DiskSpec) validate() error {
	return firstError(s.Image.Validate(), validExpected(s.ExpectDigest))
}

// An InstanceQuery selects an actor's own instances. Each non-zero field narrows the selection.
type InstanceQuery struct {
	Region Region
	// Image selects the instances whose system disk was made from this image.
	Image ImageID
	// The instance must have all of these labels, with these values.
	Labels map[string]string
}

// normal returns q in memory of its own, and in a form in which queries that select the same instances are equal.
func (q InstanceQuery) normal() InstanceQuery {
	q.Labels = cloneLabels(q.Labels)
	return q
}

func (q InstanceQuery) validate() error {
	return firstError(optional(q.Region), optional(q.Image), validLabels(q.Labels))
}

// clone returns a copy of inst that shares no memory with it.
func (inst Instance) clone() Instance {
	inst.Labels = cloneLabels(inst.Labels)
	return inst
}
