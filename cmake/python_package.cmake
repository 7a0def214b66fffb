# Installs the Python package, the executables and the share tree beside the generated interfaces.

# Caches, and the dot folders that editors and tools leave.
set(left_out PATTERN "__pycache__" EXCLUDE PATTERN "*.pyc" EXCLUDE PATTERN ".*" EXCLUDE)

# rosidl_generate_interfaces() has installed a Python package of the same name: ours goes into the same folder.
# (ament_python_install_package() refuses a second package with one name.)
install(DIRECTORY face1d_ros/ DESTINATION ${PYTHON_INSTALL_DIR}/face1d_ros ${left_out})

# One small launcher per node, and one for the command line: `python3 -m <launcher_module>`.
function(face1d_install_launcher name launcher_module destination)
  file(RELATIVE_PATH launcher_prefix "/${destination}" "/")
  # Executable also where it is built: `colcon build --symlink-install` links to it.
  configure_file(bin/launcher.sh.in "${CMAKE_CURRENT_BINARY_DIR}/launchers/${name}" @ONLY
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  install(PROGRAMS "${CMAKE_CURRENT_BINARY_DIR}/launchers/${name}" DESTINATION ${destination})
endfunction()

file(GLOB node_files RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/face1d_ros/nodes
  CONFIGURE_DEPENDS face1d_ros/nodes/*_node.py)
foreach(node_file IN LISTS node_files)
  string(REGEX REPLACE "\\.py$" "" node "${node_file}")
  face1d_install_launcher(${node} face1d_ros.nodes.${node} lib/face1d_ros)
endforeach()
face1d_install_launcher(face1d face1d_ros.cli bin)

foreach(folder launch config models)
  if(IS_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
    install(DIRECTORY ${folder} DESTINATION share/face1d_ros ${left_out})
  endif()
endforeach()
