pub fn fuzz(_: u32, _: Option<&str>) -> anyhow::Result<()> {
    anyhow::bail!("later")
}
