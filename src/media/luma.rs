// TEMPORARY until branch media lands.
pub struct LumaReader;
impl LumaReader {
    pub fn new(_: &gst_video::VideoInfo) -> Result<Self, ()> {
        Err(())
    }
    pub fn read(
        &mut self,
        _: &gst_video::VideoFrameRef<&gst::BufferRef>,
        _: &mut crate::score::Plane,
    ) -> Result<(), ()> {
        Err(())
    }
}
